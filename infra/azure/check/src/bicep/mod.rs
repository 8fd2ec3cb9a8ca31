//! Bicep, as far as our own files use it: read with a grammar, then expanded as a deployment would.
//!
//! This project cannot count on having a Bicep compiler. What a compiler would refuse first (syntax, unknown names,
//! missing parameters) is found here; what it could never know (whether names, settings and roles fit the program) is
//! found by the checks of the expansion. It is not a compiler: types of properties are not checked.

mod evaluate;
mod expression;
mod functions;
mod lower;
mod value;

pub use evaluate::{Deployment, Resource, assignments, expand};
pub use expression::{Expression, Key, Part};
pub use value::Value;

use crate::Problem;
use std::collections::BTreeMap;
use std::path::Path;

/// One `.bicep` or `.bicepparam` file.
#[derive(Debug, Clone, Default)]
pub struct File {
    /// Path below `infra/azure`.
    pub name: String,
    /// `param`, with default.
    pub parameters: BTreeMap<String, Parameter>,
    /// `var`; in a `.bicepparam` file the assigned parameters.
    pub variables: BTreeMap<String, Expression>,
    /// `resource`, nested ones included.
    pub resources: Vec<Declared>,
    /// `module`.
    pub modules: BTreeMap<String, Module>,
    /// `output`.
    pub outputs: BTreeMap<String, Expression>,
    /// `using`, in a `.bicepparam` file.
    pub using: Option<String>,
}

/// A `param`.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its default; without one it has to be given.
    pub default: Option<Expression>,
}

/// A `module`.
#[derive(Debug, Clone)]
pub struct Module {
    /// The file it is made from, as written.
    pub path: String,
    /// An object, or a condition or loop around one.
    pub body: Expression,
}

/// A `resource` as written.
#[derive(Debug, Clone)]
pub struct Declared {
    /// Its symbol; `parent::child` for a nested one.
    pub symbol: String,
    /// Its full type, e.g. `Microsoft.ServiceBus/namespaces/queues`.
    pub kind: String,
    /// Refers to a resource that is deployed elsewhere.
    pub existing: bool,
    /// The symbol it is nested in.
    pub inside: Option<String>,
    /// An object, or a condition or loop around one.
    pub body: Expression,
}

/// Reads a file. The problems are about syntax; what could be read is returned with them.
pub fn read(folder: &Path, name: &str) -> anyhow::Result<(File, Vec<Problem>)> {
    let text = std::fs::read_to_string(folder.join(name))?;
    lower::file(name, &text)
}
