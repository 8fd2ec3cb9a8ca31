//! Expressions.

/// An expression of the language.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// `'text ${expression}'`
    Text(Vec<Part>),
    /// A whole number.
    Number(i64),
    /// `true`, `false`
    Boolean(bool),
    /// `null`
    Null,
    /// `[a, b]`
    Array(Vec<Expression>),
    /// `{ key: value }`
    Object(Vec<(Key, Expression)>),
    /// A parameter, variable, resource, module or local name.
    Name(String),
    /// `resource::child`
    Nested(String, String),
    /// `value.member`
    Member(Box<Expression>, String),
    /// `value[index]`
    Index(Box<Expression>, Box<Expression>),
    /// `function(arguments)`
    Call(String, Vec<Expression>),
    /// `value.method(arguments)`
    Method(Box<Expression>, String),
    /// `(a, b) => body`
    Lambda(Vec<String>, Box<Expression>),
    /// `[for (item, index) in items: body]`
    For {
        /// The name of an item.
        item: String,
        /// The name of its index.
        index: Option<String>,
        /// What the loop iterates over.
        items: Box<Expression>,
        /// What it makes of each item.
        body: Box<Expression>,
    },
    /// `if (condition) body`, of a resource or module.
    If(Box<Expression>, Box<Expression>),
    /// `condition ? then : otherwise`
    Choice(Box<Expression>, Box<Expression>, Box<Expression>),
    /// `a == b` and its like.
    Binary(String, Box<Expression>, Box<Expression>),
    /// `!a`, `-a`
    Unary(String, Box<Expression>),
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// As written.
    Literal(String),
    /// `${…}`
    Value(Expression),
}

/// The key of a property.
pub type Key = Vec<Part>;

impl Expression {
    /// Calls `visit` with this expression and all within it, outermost first, together with the local names of the
    /// enclosing loops and lambdas.
    pub fn walk<'a>(&'a self, locals: &mut Vec<&'a str>, visit: &mut impl FnMut(&'a Self, &[&'a str])) {
        visit(self, locals);
        match self {
            Self::Text(parts) => walk_parts(parts, locals, visit),
            Self::Array(items) => items.iter().for_each(|item| item.walk(locals, visit)),
            Self::Object(properties) => {
                for (key, value) in properties {
                    walk_parts(key, locals, visit);
                    value.walk(locals, visit);
                }
            }
            Self::Call(_, arguments) => arguments.iter().for_each(|argument| argument.walk(locals, visit)),
            Self::Member(of, _) | Self::Method(of, _) | Self::Unary(_, of) => of.walk(locals, visit),
            Self::Index(first, second) | Self::If(first, second) | Self::Binary(_, first, second) => {
                first.walk(locals, visit);
                second.walk(locals, visit);
            }
            Self::Choice(condition, then, otherwise) => {
                for part in [condition, then, otherwise] {
                    part.walk(locals, visit);
                }
            }
            Self::Lambda(names, body) => {
                let outer = locals.len();
                locals.extend(names.iter().map(String::as_str));
                body.walk(locals, visit);
                locals.truncate(outer);
            }
            Self::For { item, index, items, body } => {
                items.walk(locals, visit);
                let outer = locals.len();
                locals.push(item);
                locals.extend(index.as_deref());
                body.walk(locals, visit);
                locals.truncate(outer);
            }
            Self::Number(_) | Self::Boolean(_) | Self::Null | Self::Name(_) | Self::Nested(..) => {}
        }
    }

    /// The object inside conditions and loops.
    #[must_use]
    pub fn object(&self) -> &[(Key, Expression)] {
        match self {
            Self::Object(properties) => properties,
            Self::If(_, body) | Self::For { body, .. } => body.object(),
            _ => &[],
        }
    }

    /// A property of the object inside conditions and loops.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Self> {
        self.object().iter().find(|(key, _)| *key == [Part::Literal(name.to_owned())]).map(|(_, value)| value)
    }
}

fn walk_parts<'a>(parts: &'a [Part], locals: &mut Vec<&'a str>, visit: &mut impl FnMut(&'a Expression, &[&'a str])) {
    for part in parts {
        if let Part::Value(expression) = part {
            expression.walk(locals, visit);
        }
    }
}
