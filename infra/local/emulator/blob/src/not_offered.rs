//! What the account does not offer: one table, used both to refuse requests and to generate the documentation's list.

/// A feature of the service that is not offered here. A request for it is refused by name, never half executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotOffered {
    /// Blobs of the other two types.
    AppendAndPageBlobs,
    /// Former states of blobs, and what was deleted.
    Snapshots,
    /// Conditions on index tags.
    TagConditions,
    /// Looking for blobs by their index tags.
    FindByTags,
    /// Settings of the service, cross-origin requests among them.
    ServiceProperties,
    /// Replication of the account.
    ServiceStatistics,
    /// Containers under another name, or back from deletion.
    ContainerRestore,
    /// Keys and signatures that stand for a person.
    UserDelegation,
    /// Tokens of the directory.
    EntraTokens,
    /// Blobs that take hours to be read.
    ArchiveTier,
    /// Containers that anybody may read.
    AnonymousReads,
    /// Encryption with keys of the caller's.
    CustomerKeys,
    /// Encryption with other keys of the account's.
    EncryptionScopes,
    /// Blobs that cannot be changed for a time.
    Immutability,
    /// Bodies with checksums inside.
    StructuredBodies,
    /// Questions about a blob's content, and its end.
    QueryAndExpiry,
    /// Other operations in a batch.
    OtherBatches,
}

/// How a request asks for something.
#[derive(Debug, Clone, Copy)]
struct Entry {
    what: &'static str,
    /// Request headers that are refused, whatever they say.
    headers: &'static [&'static str],
    /// Everything else that asks for it, as written in the documentation.
    others: &'static [&'static str],
}

impl NotOffered {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 17] = [
        Self::AppendAndPageBlobs,
        Self::Snapshots,
        Self::TagConditions,
        Self::FindByTags,
        Self::ServiceProperties,
        Self::ServiceStatistics,
        Self::ContainerRestore,
        Self::UserDelegation,
        Self::EntraTokens,
        Self::ArchiveTier,
        Self::AnonymousReads,
        Self::CustomerKeys,
        Self::EncryptionScopes,
        Self::Immutability,
        Self::StructuredBodies,
        Self::QueryAndExpiry,
        Self::OtherBatches,
    ];

    const fn entry(self) -> Entry {
        const NONE: &[&str] = &[];
        let (what, headers, others) = match self {
            Self::AppendAndPageBlobs => (
                "append blobs and page blobs",
                NONE,
                &[
                    "x-ms-blob-type: AppendBlob",
                    "x-ms-blob-type: PageBlob",
                    "comp=appendblock",
                    "comp=seal",
                    "comp=page",
                    "comp=pagelist",
                    "comp=incrementalcopy",
                ] as &[&str],
            ),
            Self::Snapshots => (
                "snapshots, versions and restoring blobs",
                NONE,
                &["snapshot=", "versionid=", "comp=snapshot", "comp=undelete", "x-ms-delete-snapshots: only"]
                    as &[&str],
            ),
            Self::TagConditions => ("conditions on tags", &["x-ms-if-tags", "x-ms-source-if-tags"] as &[&str], NONE),
            Self::FindByTags => ("finding blobs by tags", NONE, &["comp=blobs"] as &[&str]),
            Self::ServiceProperties => (
                "setting properties of the service (CORS, logging, retention, static websites)",
                NONE,
                &["PUT restype=service&comp=properties", "OPTIONS"] as &[&str],
            ),
            Self::ServiceStatistics => ("statistics of the service", NONE, &["comp=stats"] as &[&str]),
            Self::ContainerRestore => {
                ("renaming and restoring containers", NONE, &["comp=rename", "comp=undelete"] as &[&str])
            }
            Self::UserDelegation => {
                ("user delegation keys and signatures", NONE, &["comp=userdelegationkey", "skoid="] as &[&str])
            }
            Self::EntraTokens => (
                "Entra ID tokens",
                &["x-ms-copy-source-authorization"] as &[&str],
                &["Authorization: Bearer"] as &[&str],
            ),
            Self::ArchiveTier => ("the archive tier", NONE, &["x-ms-access-tier: Archive"] as &[&str]),
            Self::AnonymousReads => ("anonymous reads", &["x-ms-blob-public-access"] as &[&str], NONE),
            Self::CustomerKeys => (
                "customer-provided keys",
                &[
                    "x-ms-encryption-key",
                    "x-ms-encryption-key-sha256",
                    "x-ms-encryption-algorithm",
                    "x-ms-source-encryption-key",
                    "x-ms-source-encryption-key-sha256",
                    "x-ms-source-encryption-algorithm",
                ] as &[&str],
                NONE,
            ),
            Self::EncryptionScopes => (
                "encryption scopes",
                &["x-ms-encryption-scope", "x-ms-default-encryption-scope", "x-ms-deny-encryption-scope-override"]
                    as &[&str],
                &["ses="] as &[&str],
            ),
            Self::Immutability => (
                "immutability policies and legal holds",
                &[
                    "x-ms-immutability-policy-until-date",
                    "x-ms-immutability-policy-mode",
                    "x-ms-legal-hold",
                    "x-ms-immutable-storage-with-versioning-enabled",
                ] as &[&str],
                &["comp=immutabilityPolicies", "comp=legalhold"] as &[&str],
            ),
            Self::StructuredBodies => ("structured bodies", &["x-ms-structured-body"] as &[&str], NONE),
            Self::QueryAndExpiry => {
                ("queries of a blob's content, and its expiry", NONE, &["comp=query", "comp=expiry"] as &[&str])
            }
            Self::OtherBatches => {
                ("anything in a batch but deleting blobs and assigning tiers", NONE, &["comp=batch"] as &[&str])
            }
        };
        Entry { what, headers, others }
    }

    /// What it is, as written in answers and in the documentation.
    #[must_use]
    pub const fn what(self) -> &'static str {
        self.entry().what
    }

    /// How a request asks for it: headers, parameters, values.
    pub fn asked_for_by(self) -> impl Iterator<Item = &'static str> {
        let Entry { headers, others, .. } = self.entry();
        headers.iter().chain(others).copied()
    }

    /// What a request header (in lower case) asks for, if that is not offered.
    #[must_use]
    pub fn of_header(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|offer| offer.entry().headers.contains(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_says_how_it_is_asked_for_and_no_header_means_two_things() {
        for (at, offer) in NotOffered::ALL.into_iter().enumerate() {
            assert!(offer.asked_for_by().next().is_some(), "{offer:?}");
            assert!(!NotOffered::ALL[..at].contains(&offer));
            for header in offer.entry().headers {
                assert_eq!(NotOffered::of_header(header), Some(offer));
                assert_eq!(header.to_ascii_lowercase(), *header);
            }
        }
        assert_eq!(NotOffered::of_header("x-ms-version"), None);
    }
}
