//! Who may do what.
//!
//! Two kinds of credentials are accepted: the account key (`Authorization: SharedKey …`), which has all rights, and
//! shared access signatures in the query, which carry letters for what they permit (`r` read, `w` write, `c` create,
//! `d` delete, `l` list, `t` tags), a time, and a scope: one blob or one container (service SAS), or kinds of resources
//! of the account (account SAS). A service SAS may take its terms from a stored access policy of its container. There
//! are no anonymous reads, and directory tokens are not accepted.

mod account;
mod error;
mod grant;
mod header_order;
mod query;
mod sas;
mod shared_key;
mod signature;

pub use account::{Account, DEVELOPMENT_ACCOUNT, Endpoint};
pub use error::Error;
pub use grant::{Access, Grant, Peer, Resource, ResponseOverrides, Scope};
pub use query::Query;
pub use sas::{Policy, SasKind, SasTerms, SasToken};
pub use shared_key::Request;
pub use signature::{InvalidKey, Key};
