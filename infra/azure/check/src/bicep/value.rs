//! The result of an expression.

use super::{Expression, File};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A value. What only Azure knows is a text in angle quotes that says where it comes from, e.g.
/// `‹service-bus.bicep:namespace.id›`, so that the same unknown always equals itself and different ones differ.
#[derive(Debug, Clone)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A truth value.
    Boolean(bool),
    /// Nothing.
    Null,
    /// A list.
    Array(Vec<Value>),
    /// Properties by name.
    Object(BTreeMap<String, Value>),
    /// A resource of the expansion, by its index.
    Resource(usize),
    /// The outputs of a module.
    Outputs(Rc<super::evaluate::Scope>),
    /// A lambda, with the local names around it.
    Function(Rc<Lambda>),
}

/// A lambda.
#[derive(Debug)]
pub struct Lambda {
    pub(super) names: Vec<String>,
    pub(super) body: Expression,
    pub(super) locals: BTreeMap<String, Value>,
    pub(super) file: Rc<File>,
}

impl Value {
    /// The text, where it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The number, where it is one.
    #[must_use]
    pub fn number(&self) -> Option<i64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// A property, where there is one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        if let Self::Object(properties) = self { properties.get(name) } else { None }
    }

    /// The property at a path of names.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, name| value.get(name))
    }

    /// The items, where it is a list.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        if let Self::Array(items) = self { items } else { &[] }
    }

    /// As it appears within a text.
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Boolean(flag) => if *flag { "True" } else { "False" }.to_owned(),
            Self::Null => String::new(),
            Self::Array(items) => format!("[{}]", items.iter().map(Self::to_text).collect::<Vec<_>>().join(",")),
            Self::Object(_) | Self::Resource(_) | Self::Outputs(_) | Self::Function(_) => "‹object›".to_owned(),
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(two)) => one == two,
            (Self::Number(one), Self::Number(two)) => one == two,
            (Self::Boolean(one), Self::Boolean(two)) => one == two,
            (Self::Null, Self::Null) => true,
            (Self::Array(one), Self::Array(two)) => one == two,
            (Self::Object(one), Self::Object(two)) => one == two,
            (Self::Resource(one), Self::Resource(two)) => one == two,
            _ => false,
        }
    }
}
