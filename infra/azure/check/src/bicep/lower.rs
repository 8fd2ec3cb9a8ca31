//! From the grammar's tree to [`File`].

use super::{Declared, Expression, File, Key, Module, Parameter, Part};
use crate::Problem;
use anyhow::{Context, Result, bail};
use tree_sitter::{Node, Parser};

/// Reads the text of a file.
pub(super) fn file(name: &str, text: &str) -> Result<(File, Vec<Problem>)> {
    let text = without_assignments(name, text);
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_bicep::LANGUAGE.into()).context("the grammar of Bicep does not fit its parser")?;
    let tree = parser.parse(&text, None).context("the file was not parsed")?;
    let mut problems = Vec::new();
    syntax(tree.root_node(), name, &mut problems);
    let mut file = File { name: name.to_owned(), ..File::default() };
    if problems.is_empty() {
        let reader = Reader { text: &text };
        for node in children(tree.root_node()) {
            if let Err(error) = reader.statement(node, &mut file) {
                problems.push(Problem::new(place(name, node), format!("{error:#}")));
            }
        }
    }
    Ok((file, problems))
}

/// The grammar does not know the `param name = value` of parameter files; as a variable it parses the same.
fn without_assignments(name: &str, text: &str) -> String {
    if !name.ends_with(".bicepparam") {
        return text.to_owned();
    }
    let lines = text.lines().map(|line| match line.strip_prefix("param ") {
        Some(rest) => format!("var   {rest}"),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn syntax(node: Node<'_>, name: &str, problems: &mut Vec<Problem>) {
    if node.is_error() || node.is_missing() {
        problems.push(Problem::new(place(name, node), "this is not Bicep"));
    } else if node.has_error() {
        let mut cursor = node.walk();
        node.children(&mut cursor).for_each(|child| syntax(child, name, problems));
    }
}

fn place(name: &str, node: Node<'_>) -> String {
    let start = node.start_position();
    format!("{name}:{}:{}", start.row + 1, start.column + 1)
}

fn children<'a>(node: Node<'a>) -> Vec<Node<'a>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| !matches!(child.kind(), "comment" | "diagnostic_comment")).collect()
}

struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn source(&self, node: Node<'_>) -> String {
        self.text.get(node.byte_range()).unwrap_or_default().to_owned()
    }

    fn statement(&self, node: Node<'_>, file: &mut File) -> Result<()> {
        let parts = children(node);
        let symbol = || parts.first().map(|first| self.source(*first)).unwrap_or_default();
        let last = || parts.last().copied().context("the statement is empty");
        match node.kind() {
            "parameter_declaration" => {
                let default = parts.get(1..).unwrap_or_default().iter().find(|part| part.kind() != "type");
                let default = default.map(|part| self.expression(*part)).transpose()?;
                file.parameters.insert(symbol(), Parameter { default });
            }
            "variable_declaration" => {
                file.variables.insert(symbol(), self.expression(last()?)?);
            }
            "output_declaration" => {
                file.outputs.insert(symbol(), self.expression(last()?)?);
            }
            "module_declaration" => {
                let path = self.literal(*parts.get(1).context("the module names no file")?)?;
                file.modules.insert(symbol(), Module { path, body: self.expression(last()?)? });
            }
            "resource_declaration" => self.resource(node, None, file)?,
            "using_statement" => file.using = Some(self.literal(last()?)?),
            "target_scope_assignment" | "decorators" => {}
            other => bail!("the checker does not know what {other} means"),
        }
        Ok(())
    }

    fn resource(&self, node: Node<'_>, outer: Option<&Declared>, file: &mut File) -> Result<()> {
        let parts = children(node);
        let [first, kind, .., body] = parts.as_slice() else { bail!("the resource is not complete") };
        let (own, kind) = (self.source(*first), self.literal(*kind)?);
        let kind = kind.split('@').next().unwrap_or_default().to_owned();
        let mut cursor = node.walk();
        let existing = node.children(&mut cursor).any(|child| child.kind() == "existing");
        let declared = Declared {
            symbol: outer.map_or_else(|| own.clone(), |outer| format!("{}::{own}", outer.symbol)),
            kind: outer.map_or_else(|| kind.clone(), |outer| format!("{}/{kind}", outer.kind)),
            existing,
            inside: outer.map(|outer| outer.symbol.clone()),
            body: self.expression(*body)?,
        };
        file.resources.push(declared.clone());
        self.nested(*body, &declared, file)
    }

    /// Resources written inside the object of another.
    fn nested(&self, node: Node<'_>, outer: &Declared, file: &mut File) -> Result<()> {
        for child in children(node) {
            match child.kind() {
                "object_property" | "object" => self.nested(child, outer, file)?,
                "resource_declaration" => self.resource(child, Some(outer), file)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn expression(&self, node: Node<'_>) -> Result<Expression> {
        let parts = children(node);
        let part = |index: usize| parts.get(index).copied().context("an expression is not complete");
        let boxed = |index: usize| part(index).and_then(|node| self.expression(node)).map(Box::new);
        Ok(match node.kind() {
            "string" => Expression::Text(self.text(node)?),
            "number" => Expression::Number(self.source(node).parse().context("a number is not whole")?),
            "boolean" => Expression::Boolean(self.source(node) == "true"),
            "null" => Expression::Null,
            "identifier" | "property_identifier" | "loop_variable" => Expression::Name(self.source(node)),
            "array" => Expression::Array(self.all(&parts)?),
            "object" => Expression::Object(self.properties(&parts)?),
            "parenthesized_expression" => *boxed(0)?,
            "resource_expression" => {
                let source = self.source(node);
                let (outer, own) = source.rsplit_once("::").context("a nested resource has a parent")?;
                Expression::Nested(outer.to_owned(), own.to_owned())
            }
            "member_expression" => {
                let member = self.source(part(1)?);
                self.behind(part(0)?, &|of| Expression::Member(Box::new(of), member.clone()))?
            }
            "subscript_expression" => {
                let index = boxed(1)?;
                self.behind(part(0)?, &|of| Expression::Index(Box::new(of), index.clone()))?
            }
            "call_expression" => self.call(part(0)?, &children(part(1)?))?,
            "lambda_expression" => Expression::Lambda(self.names(part(0)?), boxed(1)?),
            "for_statement" => self.repetition(&parts)?,
            "if_statement" => Expression::If(boxed(0)?, boxed(1)?),
            "ternary_expression" => Expression::Choice(boxed(0)?, boxed(1)?, boxed(2)?),
            "binary_expression" => Expression::Binary(self.operator(node)?, boxed(0)?, boxed(1)?),
            "unary_expression" => Expression::Unary(self.operator(node)?, boxed(0)?),
            other => bail!("the checker does not know what {other} means"),
        })
    }

    /// A member or index of `node`. The grammar binds them too loosely: after a lambda or a choice they belong to its
    /// last part.
    fn behind(&self, node: Node<'_>, make: &dyn Fn(Expression) -> Expression) -> Result<Expression> {
        let expression = self.expression(node)?;
        Ok(match (node.kind(), expression) {
            ("lambda_expression", Expression::Lambda(names, body)) => Expression::Lambda(names, Box::new(make(*body))),
            ("ternary_expression", Expression::Choice(condition, then, otherwise)) => {
                Expression::Choice(condition, then, Box::new(make(*otherwise)))
            }
            ("binary_expression", Expression::Binary(operator, left, right)) => {
                Expression::Binary(operator, left, Box::new(make(*right)))
            }
            (_, expression) => make(expression),
        })
    }

    fn all(&self, nodes: &[Node<'_>]) -> Result<Vec<Expression>> {
        nodes.iter().map(|node| self.expression(*node)).collect()
    }

    fn properties(&self, nodes: &[Node<'_>]) -> Result<Vec<(Key, Expression)>> {
        let mut properties = Vec::new();
        for node in nodes.iter().filter(|node| node.kind() == "object_property") {
            let parts = children(*node);
            match parts.as_slice() {
                [nested] if nested.kind() == "resource_declaration" => {}
                [key, value] if key.kind() == "string" => properties.push((self.text(*key)?, self.expression(*value)?)),
                [key, value] => properties.push((vec![Part::Literal(self.source(*key))], self.expression(*value)?)),
                _ => bail!("a property has a name and a value"),
            }
        }
        Ok(properties)
    }

    fn call(&self, function: Node<'_>, arguments: &[Node<'_>]) -> Result<Expression> {
        match function.kind() {
            "identifier" => Ok(Expression::Call(self.source(function), self.all(arguments)?)),
            "member_expression" => match self.expression(function)? {
                Expression::Member(of, method) => Ok(Expression::Method(of, method)),
                other => Ok(other),
            },
            other => bail!("the checker cannot call {other}"),
        }
    }

    fn repetition(&self, parts: &[Node<'_>]) -> Result<Expression> {
        let [variables, items, body] = parts else { bail!("a loop has names, items and a body") };
        let mut names = self.names(*variables).into_iter();
        Ok(Expression::For {
            item: names.next().context("a loop has a name")?,
            index: names.next(),
            items: Box::new(self.expression(*items)?),
            body: Box::new(self.expression(*body)?),
        })
    }

    /// `name` or `(name, name)`.
    fn names(&self, node: Node<'_>) -> Vec<String> {
        let inner = children(node);
        if inner.is_empty() { vec![self.source(node)] } else { inner.iter().map(|name| self.source(*name)).collect() }
    }

    fn operator(&self, node: Node<'_>) -> Result<String> {
        let mut cursor = node.walk();
        let operator = node.children(&mut cursor).find(|child| !child.is_named()).context("an operator is missing")?;
        Ok(self.source(operator))
    }

    fn text(&self, node: Node<'_>) -> Result<Vec<Part>> {
        let mut text: Vec<Part> = Vec::new();
        for part in children(node) {
            let literal = match part.kind() {
                "string_content" => self.source(part),
                "escape_sequence" => unescape(&self.source(part)),
                "interpolation" => {
                    let inner = children(part);
                    let inner = inner.first().context("an interpolation is empty")?;
                    text.push(Part::Value(self.expression(*inner)?));
                    continue;
                }
                other => bail!("the checker does not know {other} in a text"),
            };
            match text.last_mut() {
                Some(Part::Literal(before)) => before.push_str(&literal),
                _ => text.push(Part::Literal(literal)),
            }
        }
        Ok(text)
    }

    /// A text without interpolations.
    fn literal(&self, node: Node<'_>) -> Result<String> {
        match self.text(node)?.as_slice() {
            [] => Ok(String::new()),
            [Part::Literal(text)] => Ok(text.clone()),
            _ => bail!("a plain text is expected here"),
        }
    }
}

fn unescape(escape: &str) -> String {
    match escape {
        "\\n" => "\n".to_owned(),
        "\\r" => "\r".to_owned(),
        "\\t" => "\t".to_owned(),
        other => other.trim_start_matches('\\').to_owned(),
    }
}
