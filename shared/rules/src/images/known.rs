//! The images, directives and studies of a snapshot, with the indexes needed for finding and settling.

use super::{BlobRef, DirectiveRecord, ImageRecord, ImageStatus};
use iris_model::ClientGuid;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// The images, directives and studies that a batch knows.
#[derive(Debug, Clone, Default)]
pub struct KnownImages {
    images: HashMap<Uuid, Arc<ImageRecord>>,
    by_blob: HashMap<BlobRef, Vec<Uuid>>,
    /// Images that are or were linked to an order.
    by_order: HashMap<i64, Vec<Uuid>>,
    /// By accession number, patient or study, whichever equals the text.
    by_claim: HashMap<(ClientGuid, String), Vec<Uuid>>,
    directives: HashMap<i64, Vec<DirectiveRecord>>,
    named: HashMap<(String, String), HashSet<i64>>,
    orders_by_study: HashMap<(ClientGuid, String), Vec<i64>>,
    study_by_order: HashMap<i64, String>,
}

impl KnownImages {
    /// True when there is neither an image nor a directive.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.images.is_empty() && self.directives.is_empty()
    }

    /// An image by id.
    #[must_use]
    pub fn image(&self, id: Uuid) -> Option<&ImageRecord> {
        self.images.get(&id).map(Arc::as_ref)
    }

    /// Every image.
    pub fn images(&self) -> impl Iterator<Item = &ImageRecord> {
        self.images.values().map(Arc::as_ref)
    }

    /// The images that arrived under a blob name.
    #[must_use]
    pub fn images_of_blob(&self, blob: &BlobRef) -> Vec<&ImageRecord> {
        self.of(self.by_blob.get(blob))
    }

    /// The images linked to an order.
    #[must_use]
    pub fn images_of_order(&self, order: i64) -> Vec<&ImageRecord> {
        let mut images = self.of(self.by_order.get(&order));
        images.retain(|image| image.status == ImageStatus::Linked && image.order == Some(order));
        images
    }

    /// The images that name this text as their order, patient or study.
    #[must_use]
    pub fn images_claiming(&self, organization: ClientGuid, text: &str) -> Vec<&ImageRecord> {
        self.of(self.by_claim.get(&(organization, text.to_owned())))
    }

    fn of(&self, ids: Option<&Vec<Uuid>>) -> Vec<&ImageRecord> {
        ids.into_iter().flatten().filter_map(|id| self.image(*id)).collect()
    }

    /// The directives of an order, by position.
    #[must_use]
    pub fn directives(&self, order: i64) -> &[DirectiveRecord] {
        self.directives.get(&order).map(Vec::as_slice).unwrap_or_default()
    }

    /// The directives that name a blob, of any organization's orders.
    pub fn directives_naming<'a>(&'a self, blob: &BlobRef) -> impl Iterator<Item = &'a DirectiveRecord> {
        let names = |directive: &&DirectiveRecord| {
            directive.container == blob.container && directive.file_name == blob.file_name
        };
        let orders = self.named.get(&(blob.container.clone(), blob.file_name.clone()));
        orders.into_iter().flatten().flat_map(|order| self.directives(*order)).filter(names)
    }

    /// The orders that named a study.
    #[must_use]
    pub fn orders_of_study(&self, organization: ClientGuid, study: &str) -> &[i64] {
        self.orders_by_study.get(&(organization, study.to_owned())).map(Vec::as_slice).unwrap_or_default()
    }

    /// The study an order named.
    #[must_use]
    pub fn study_of(&self, order: i64) -> Option<&str> {
        self.study_by_order.get(&order).map(String::as_str)
    }

    /// Adds or replaces an image.
    pub fn put_image(&mut self, image: impl Into<Arc<ImageRecord>>) {
        let image = image.into();
        let id = image.id;
        if let Some(order) = image.order {
            add(self.by_order.entry(order).or_default(), id);
        }
        if self.images.insert(id, Arc::clone(&image)).is_none() {
            self.by_blob.entry(image.blob.clone()).or_default().push(id);
            let claims = [&image.claims.accession, &image.claims.patient, &image.claims.study];
            for text in claims.into_iter().flatten() {
                add(self.by_claim.entry((image.blob.organization, text.clone())).or_default(), id);
            }
        }
    }

    /// Replaces all directives of an order.
    pub fn put_directives(&mut self, order: i64, directives: Vec<DirectiveRecord>) {
        for directive in &directives {
            let name = (directive.container.clone(), directive.file_name.clone());
            self.named.entry(name).or_default().insert(order);
        }
        self.directives.insert(order, directives);
    }

    /// Replaces one directive.
    pub fn put_directive(&mut self, directive: DirectiveRecord) {
        let directives = self.directives.entry(directive.order).or_default();
        if let Some(known) = directives.iter_mut().find(|known| known.ordinal == directive.ordinal) {
            *known = directive;
        }
    }

    /// Adds the study that an order named.
    pub fn put_study(&mut self, organization: ClientGuid, study: &str, order: i64) {
        add(self.orders_by_study.entry((organization, study.to_owned())).or_default(), order);
        self.study_by_order.insert(order, study.to_owned());
    }
}

fn add<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}
