//! Images, and the directives that announce them.

use super::{corrupt, count, time};
use crate::Error;
use iris_model::{ClientGuid, ImageContext, IssueCode, Laterality};
use iris_rules::images::{BlobRef, Claims, DirectiveRecord, DirectiveState, ImageRecord, ImageStatus, Wait};
use uuid::Uuid;

pub(crate) fn image_status_column(status: ImageStatus) -> i16 {
    match status {
        ImageStatus::Waiting => 0,
        ImageStatus::Linked => 1,
        ImageStatus::Quarantined => 2,
    }
}

pub(crate) fn directive_state_column(state: DirectiveState) -> i16 {
    match state {
        DirectiveState::Pending => 0,
        DirectiveState::Linked => 1,
        DirectiveState::Failed => 2,
    }
}

fn wait(tries: i32, next_try_at: Option<i64>, give_up_at: i64) -> Result<Wait, Error> {
    Ok(Wait { tries, next_try_at: next_try_at.map(time).transpose()?, give_up_at: time(give_up_at)? })
}

fn laterality(text: Option<&str>) -> Result<Option<Laterality>, Error> {
    text.map(|text| Laterality::from_text(text).ok_or_else(|| corrupt("an eye"))).transpose()
}

#[derive(sqlx::FromRow)]
pub(crate) struct DirectiveRow {
    order_id: i32,
    ordinal: i32,
    container: String,
    file_name: String,
    details: String,
    version: i32,
    state: i16,
    tries: i32,
    next_try_at: Option<i64>,
    give_up_at: i64,
}

impl DirectiveRow {
    pub(crate) const COLUMNS: &'static str = "d.order_id, d.ordinal, d.container, d.file_name, d.details, d.version, d.state, d.tries, d.next_try_at, \
         d.give_up_at";

    pub(crate) fn record(self) -> Result<DirectiveRecord, Error> {
        Ok(DirectiveRecord {
            order: i64::from(self.order_id),
            ordinal: self.ordinal,
            container: self.container,
            file_name: self.file_name,
            details: self.details,
            version: self.version,
            state: match self.state {
                0 => DirectiveState::Pending,
                1 => DirectiveState::Linked,
                2 => DirectiveState::Failed,
                _ => return Err(corrupt("a directive's state")),
            },
            wait: wait(self.tries, self.next_try_at, self.give_up_at)?,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(crate) struct ImageRow {
    id: Uuid,
    iris_id: i32,
    version: i32,
    order_id: Option<i32>,
    tries: i32,
    received_at: i64,
    next_try_at: Option<i64>,
    give_up_at: i64,
    size: i64,
    status: i16,
    organization: Uuid,
    container: String,
    file_name: String,
    format: String,
    archive: String,
    accession: Option<String>,
    patient: Option<String>,
    study: Option<String>,
    device: Option<String>,
    own_laterality: Option<String>,
    laterality: Option<String>,
    context: String,
    local_id: Option<String>,
    taken: Option<String>,
    reason: Option<String>,
    defect: Option<String>,
    details: String,
}

impl ImageRow {
    pub(crate) const COLUMNS: &'static str = "i.id, i.iris_id, i.version, i.order_id, i.tries, i.received_at, i.next_try_at, i.give_up_at, \
         i.size, i.status, i.organization, i.container, i.file_name, i.format, i.archive, i.accession, i.patient, i.study, i.device, \
         i.own_laterality, i.laterality, i.context, i.local_id, i.taken, i.reason, i.defect, i.details";

    pub(crate) fn record(self) -> Result<ImageRecord, Error> {
        let code = |text: &str| IssueCode::ALL.iter().copied().find(|code| code.as_str() == text);
        let (organization, container, file_name) = (ClientGuid(self.organization), self.container, self.file_name);
        Ok(ImageRecord {
            id: self.id,
            iris_id: i64::from(self.iris_id),
            version: self.version,
            blob: BlobRef { organization, container, file_name },
            received_at: time(self.received_at)?,
            size: count(self.size),
            format: self.format,
            archive: self.archive,
            claims: Claims {
                accession: self.accession,
                patient: self.patient,
                study: self.study,
                device: self.device,
                laterality: laterality(self.own_laterality.as_deref())?,
                taken: self.taken.map(|text| text.parse().map_err(|_| corrupt("a time of taking"))).transpose()?,
            },
            status: match self.status {
                0 => ImageStatus::Waiting,
                1 => ImageStatus::Linked,
                2 => ImageStatus::Quarantined,
                _ => return Err(corrupt("an image's status")),
            },
            reason: self.reason.map(|text| code(&text).ok_or_else(|| corrupt("a reason"))).transpose()?,
            defect: self.defect,
            order: self.order_id.map(i64::from),
            laterality: laterality(self.laterality.as_deref())?,
            context: ImageContext::from_text(&self.context).ok_or_else(|| corrupt("an image context"))?,
            local_id: self.local_id,
            wait: wait(self.tries, self.next_try_at, self.give_up_at)?,
            details: self.details,
        })
    }
}
