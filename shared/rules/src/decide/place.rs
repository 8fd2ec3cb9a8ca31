//! Sites, cameras and states: where an exam takes place (iris-facts; decisions 10, 15a).

use super::{Case, Change};
use crate::content;
use crate::record::{CameraRecord, SiteRecord};
use iris_model::request::{Camera, Site};
use iris_model::{Issue, IssueCode, LocalId, state};

impl Case<'_> {
    /// Finds the site, or creates it if the organization allows that. Returns its state, if it has one; records an
    /// issue if the site cannot be used.
    pub(super) fn site_state(&mut self, local_id: &LocalId, sent: Option<&Site>) -> Option<String> {
        if let Some(listed) = self.organization.site(local_id) {
            return listed.address.state.as_deref().and_then(state::from_text).map(str::to_owned);
        }
        if let Some(site) = self.snapshot.site(self.client_guid(), local_id) {
            return Some(site.state.clone());
        }
        if !self.organization.auto_create_sites {
            self.issues.push(Issue::error(
                IssueCode::UnknownSite,
                "Site.LocalId",
                "This site is not known. Use the LocalId of one of your sites, or have the site added.",
            ));
            return None;
        }
        let address = sent.and_then(|site| site.address.as_ref());
        let name = sent.and_then(|site| site.name.clone());
        let state = address.and_then(|address| address.state.as_deref()).and_then(state::from_text);
        if name.is_none() {
            self.issues.push(incomplete("Site.Name", "A new site needs a name."));
        }
        if state.is_none() {
            self.issues.push(incomplete(
                "Site.Address.State",
                "A new site needs an address with a state of the United States.",
            ));
        }
        let (name, state) = (name?, state?);
        self.changes.push(Change::NewSite(SiteRecord {
            organization: self.client_guid(),
            local_id: local_id.clone(),
            name,
            state: state.to_owned(),
            address: content::json(&address),
            created_at: self.now,
        }));
        Some(state.to_owned())
    }

    /// Finds the camera at the site, or creates it there; records an issue if it cannot be used.
    pub(super) fn check_camera(&mut self, local_id: &LocalId, site: &LocalId, sent: Option<&Camera>) {
        let listed = self.organization.camera(local_id).map(|camera| &camera.site);
        let home = listed.or_else(|| self.snapshot.camera(self.client_guid(), local_id).map(|camera| &camera.site));
        match home {
            Some(home) if home == site => {}
            Some(_) => self.issues.push(Issue::error(
                IssueCode::CameraOfOtherSite,
                "Camera.LocalId",
                "This camera is assigned to another site. Use a camera of the order's site, or have the camera moved.",
            )),
            None if self.organization.auto_create_cameras => {
                let details = Camera { images: Vec::new(), ..sent.cloned().unwrap_or_default() };
                self.changes.push(Change::NewCamera(CameraRecord {
                    organization: self.client_guid(),
                    local_id: local_id.clone(),
                    site: site.clone(),
                    details: content::json(&details),
                    created_at: self.now,
                }));
            }
            None => self.issues.push(Issue::error(
                IssueCode::UnknownCamera,
                "Camera.LocalId",
                "This camera is not known. Use the LocalId of one of your cameras, or have the camera added.",
            )),
        }
    }

    /// An order must resolve to a state (iris-facts R-06).
    pub(super) fn no_state(&mut self) {
        self.issues.push(Issue::error(
            IssueCode::NoState,
            "Order.State",
            "No state is known for this order: the site has none. Send Order.State.",
        ));
    }
}

fn incomplete(path: &'static str, message: &'static str) -> Issue {
    Issue::error(IssueCode::IncompleteSite, path, message)
}
