//! Which operation a request asks for, and the permission letters it needs.

use http::Method;

use super::call::Call;
use super::failure::{Failure, Outcome};
use crate::auth::Resource;
use crate::not_offered::NotOffered;

/// The operations offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    AccountInformation,
    ServiceProperties,
    ListContainers,
    Batch,
    CreateContainer,
    ContainerProperties,
    SetContainerMetadata,
    DeleteContainer,
    LeaseContainer,
    ContainerPolicies,
    SetContainerPolicies,
    ListBlobs,
    PutBlob,
    PutBlobFromUrl,
    CopyBlob,
    PutBlock,
    PutBlockFromUrl,
    PutBlockList,
    BlockList,
    GetBlob,
    BlobProperties,
    SetMetadata,
    SetProperties,
    Tags,
    SetTags,
    SetTier,
    LeaseBlob,
    DeleteBlob,
}

impl Operation {
    /// A signature must have one of these letters.
    pub(super) fn letters(self) -> &'static str {
        match self {
            Self::AccountInformation | Self::Batch => "racwdl",
            Self::ServiceProperties
            | Self::ContainerProperties
            | Self::BlockList
            | Self::GetBlob
            | Self::BlobProperties => "r",
            Self::ListContainers | Self::ListBlobs => "l",
            Self::CreateContainer | Self::PutBlob | Self::PutBlobFromUrl | Self::CopyBlob => "wc",
            Self::SetContainerMetadata
            | Self::PutBlock
            | Self::PutBlockFromUrl
            | Self::PutBlockList
            | Self::SetMetadata
            | Self::SetProperties
            | Self::SetTier => "w",
            Self::DeleteContainer | Self::DeleteBlob => "d",
            Self::LeaseContainer | Self::LeaseBlob => "wd",
            // No signature can read or change access policies.
            Self::ContainerPolicies | Self::SetContainerPolicies => "",
            Self::Tags | Self::SetTags => "t",
        }
    }

    /// Whether a signature for the container covers this operation on the container itself.
    pub(super) fn within_container(self) -> bool {
        matches!(self, Self::ListBlobs | Self::Batch | Self::AccountInformation)
    }

    pub(super) fn of(call: &Call) -> Outcome<Self> {
        for parameter in ["snapshot", "versionid"] {
            if call.query.get(parameter).is_some() {
                return Err(Failure::not_offered(NotOffered::Snapshots));
            }
        }
        if let Some(offer) = call.headers.keys().find_map(|name| NotOffered::of_header(name.as_str())) {
            return Err(Failure::not_offered(offer));
        }
        if call.method == Method::OPTIONS {
            return Err(Failure::not_offered(NotOffered::ServiceProperties));
        }
        let (restype, comp) = (call.query.text("restype"), call.query.text("comp"));
        if restype == "account" && comp == "properties" {
            return Ok(Self::AccountInformation);
        }
        match call.resource {
            Resource::Service => Self::of_service(&call.method, restype, comp),
            Resource::Container(_) if restype == "container" => Self::of_container(&call.method, comp),
            Resource::Container(_) => Err(Failure::query("restype")),
            Resource::Blob(..) => Self::of_blob(call, comp),
        }
    }

    fn of_service(method: &Method, restype: &str, comp: &str) -> Outcome<Self> {
        match (method, restype, comp) {
            (&Method::GET, "", "list") => Ok(Self::ListContainers),
            (&Method::GET, "service", "properties") => Ok(Self::ServiceProperties),
            (&Method::POST, _, "batch") => Ok(Self::Batch),
            (&Method::PUT, "service", "properties") => Err(Failure::not_offered(NotOffered::ServiceProperties)),
            (_, "service", "stats") => Err(Failure::not_offered(NotOffered::ServiceStatistics)),
            (_, _, "blobs") => Err(Failure::not_offered(NotOffered::FindByTags)),
            (_, _, "userdelegationkey") => Err(Failure::not_offered(NotOffered::UserDelegation)),
            _ => Err(Failure::query("comp")),
        }
    }

    fn of_container(method: &Method, comp: &str) -> Outcome<Self> {
        match (method, comp) {
            (&Method::PUT, "") => Ok(Self::CreateContainer),
            (&Method::GET | &Method::HEAD, "" | "metadata") => Ok(Self::ContainerProperties),
            (&Method::PUT, "metadata") => Ok(Self::SetContainerMetadata),
            (&Method::DELETE, "") => Ok(Self::DeleteContainer),
            (&Method::PUT, "lease") => Ok(Self::LeaseContainer),
            (&Method::GET | &Method::HEAD, "acl") => Ok(Self::ContainerPolicies),
            (&Method::PUT, "acl") => Ok(Self::SetContainerPolicies),
            (&Method::GET, "list") => Ok(Self::ListBlobs),
            (&Method::POST, "batch") => Ok(Self::Batch),
            (_, "" | "metadata" | "lease" | "acl" | "list" | "batch") => Err(Failure::method()),
            (_, "undelete" | "rename") => Err(Failure::not_offered(NotOffered::ContainerRestore)),
            (_, "blobs") => Err(Failure::not_offered(NotOffered::FindByTags)),
            _ => Err(Failure::query("comp")),
        }
    }

    fn of_blob(call: &Call, comp: &str) -> Outcome<Self> {
        let copies = call.headers.contains_key("x-ms-copy-source");
        match (&call.method, comp) {
            (&Method::GET, "") => Ok(Self::GetBlob),
            (&Method::HEAD, "" | "metadata") | (&Method::GET, "metadata") => Ok(Self::BlobProperties),
            (&Method::DELETE, "") => Ok(Self::DeleteBlob),
            (&Method::PUT, "") => match call.header("x-ms-blob-type").as_deref() {
                Some("BlockBlob") if copies => Ok(Self::PutBlobFromUrl),
                Some("BlockBlob") => Ok(Self::PutBlob),
                Some("PageBlob" | "AppendBlob") => Err(Failure::not_offered(NotOffered::AppendAndPageBlobs)),
                Some(_) => Err(Failure::header("x-ms-blob-type")),
                None if copies => Ok(Self::CopyBlob),
                None => Err(Failure::missing_header("x-ms-blob-type")),
            },
            (&Method::PUT, "block") => Ok(if copies { Self::PutBlockFromUrl } else { Self::PutBlock }),
            (&Method::PUT, "blocklist") => Ok(Self::PutBlockList),
            (&Method::GET, "blocklist") => Ok(Self::BlockList),
            (&Method::PUT, "metadata") => Ok(Self::SetMetadata),
            (&Method::PUT, "properties") => Ok(Self::SetProperties),
            (&Method::GET, "tags") => Ok(Self::Tags),
            (&Method::PUT, "tags") => Ok(Self::SetTags),
            (&Method::PUT, "tier") => Ok(Self::SetTier),
            (&Method::PUT, "lease") => Ok(Self::LeaseBlob),
            (&Method::PUT, "copy") => Err(Failure::new(
                http::StatusCode::CONFLICT,
                "NoPendingCopyOperation",
                "There is currently no pending copy operation.",
            )),
            (_, "" | "metadata" | "block" | "blocklist" | "properties" | "tags" | "tier" | "lease") => {
                Err(Failure::method())
            }
            (_, "snapshot" | "undelete") => Err(Failure::not_offered(NotOffered::Snapshots)),
            (_, "page" | "pagelist" | "appendblock" | "seal" | "incrementalcopy") => {
                Err(Failure::not_offered(NotOffered::AppendAndPageBlobs))
            }
            (_, "query" | "expiry") => Err(Failure::not_offered(NotOffered::QueryAndExpiry)),
            (_, "immutabilityPolicies" | "legalhold") => Err(Failure::not_offered(NotOffered::Immutability)),
            _ => Err(Failure::query("comp")),
        }
    }
}
