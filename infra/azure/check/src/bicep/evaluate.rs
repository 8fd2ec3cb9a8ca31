//! Expands a template with its parameters into the resources a deployment would make.
//!
//! Names are looked up when they are needed, because a variable, a module's outputs or a resource's name may be used
//! before it is declared. What only Azure knows stays a symbol (see [`Value`]).

use super::value::Lambda;
use super::{Declared, Expression, File, Key, Part, Value, functions};
use crate::Problem;
use anyhow::{Context, Result, bail};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What a deployment would make.
#[derive(Debug, Default)]
pub struct Deployment {
    /// The resources, of all modules.
    pub resources: Vec<Resource>,
    /// Why some of it could not be expanded.
    pub problems: Vec<Problem>,
}

/// A resource with everything known about it.
#[derive(Debug, Clone)]
pub struct Resource {
    /// The file it is written in.
    pub file: String,
    /// Its symbol in that file.
    pub symbol: String,
    /// Its full type.
    pub kind: String,
    /// Only referred to, not created.
    pub existing: bool,
    /// Its own name, the last part.
    pub name: String,
    /// The name with those of its parents before it.
    pub path: String,
    /// The resource it is an extension of.
    pub scope: Option<usize>,
    /// Its whole body.
    pub body: Value,
}

/// The names of one file, with the values of its parameters.
#[derive(Debug)]
pub struct Scope {
    file: Rc<File>,
    parameters: BTreeMap<String, Value>,
    variables: RefCell<BTreeMap<String, Value>>,
    resources: RefCell<BTreeMap<String, Value>>,
    modules: RefCell<BTreeMap<String, Value>>,
}

type Locals = BTreeMap<String, Value>;

/// Expands `main` of these files with these parameters.
#[must_use]
pub fn expand(files: &BTreeMap<String, Rc<File>>, main: &str, parameters: BTreeMap<String, Value>) -> Deployment {
    let expander = Expander { files, deployment: RefCell::default() };
    if let Err(error) = expander.instance(main, parameters) {
        expander.problem(main, &error);
    }
    expander.deployment.into_inner()
}

/// The values a parameter file assigns.
///
/// # Errors
/// An expression that cannot be evaluated.
pub fn assignments(file: &Rc<File>) -> Result<BTreeMap<String, Value>> {
    let expander = Expander { files: &BTreeMap::new(), deployment: RefCell::default() };
    let scope = Scope::new(Rc::clone(file), BTreeMap::new());
    let values = file.variables.iter().map(|(name, value)| {
        let value = expander.evaluate(&scope, value, &Locals::new()).with_context(|| format!("parameter {name}"))?;
        Ok((name.clone(), value))
    });
    values.collect()
}

impl Scope {
    fn new(file: Rc<File>, parameters: BTreeMap<String, Value>) -> Self {
        Self {
            file,
            parameters,
            variables: RefCell::default(),
            resources: RefCell::default(),
            modules: RefCell::default(),
        }
    }
}

pub(super) struct Expander<'a> {
    files: &'a BTreeMap<String, Rc<File>>,
    deployment: RefCell<Deployment>,
}

impl Expander<'_> {
    fn problem(&self, place: &str, error: &anyhow::Error) {
        self.deployment.borrow_mut().problems.push(Problem::new(place, format!("{error:#}")));
    }

    /// One use of a file: its resources and modules.
    fn instance(&self, name: &str, given: BTreeMap<String, Value>) -> Result<Rc<Scope>> {
        let file = self.files.get(name).with_context(|| format!("there is no file {name}"))?;
        let mut scope = Scope::new(Rc::clone(file), given);
        for (parameter, declared) in &file.parameters {
            if scope.parameters.contains_key(parameter) {
                continue;
            }
            let default =
                declared.default.as_ref().with_context(|| format!("{name} needs the parameter {parameter}"))?;
            let value = self.evaluate(&scope, default, &Locals::new())?;
            scope.parameters.insert(parameter.clone(), value);
        }
        let scope = Rc::new(scope);
        let mut instances = Vec::new();
        for declared in &file.resources {
            self.place(name, self.register(&scope, declared, &mut instances));
        }
        for (index, declared, locals) in &instances {
            self.place(name, self.identify(&scope, *index, declared, locals));
        }
        for symbol in file.modules.keys() {
            if let Err(error) = self.module(&scope, symbol) {
                self.problem(name, &error);
            }
        }
        for (index, declared, locals) in &instances {
            self.place(name, self.describe(&scope, *index, declared, locals));
        }
        Ok(scope)
    }

    fn place(&self, name: &str, outcome: Result<()>) {
        if let Err(error) = outcome {
            self.problem(name, &error);
        }
    }

    /// Gives the instances of a resource their indexes, so that they can be referred to.
    fn register<'d>(
        &self,
        scope: &Rc<Scope>,
        declared: &'d Declared,
        instances: &mut Vec<(usize, &'d Declared, Locals)>,
    ) -> Result<()> {
        let mut own = Vec::new();
        let repeated = matches!(declared.body, Expression::For { .. });
        for locals in self.rounds(scope, &declared.body)? {
            let mut deployment = self.deployment.borrow_mut();
            let index = deployment.resources.len();
            deployment.resources.push(Resource {
                file: scope.file.name.clone(),
                symbol: declared.symbol.clone(),
                kind: declared.kind.clone(),
                existing: declared.existing,
                name: String::new(),
                path: String::new(),
                scope: None,
                body: Value::Null,
            });
            own.push(Value::Resource(index));
            instances.push((index, declared, locals));
        }
        let value = if repeated { Value::Array(own) } else { own.pop().unwrap_or(Value::Null) };
        scope.resources.borrow_mut().insert(declared.symbol.clone(), value);
        Ok(())
    }

    /// The iterations of a body: one, one per item of its loop, or none if its condition does not hold.
    fn rounds(&self, scope: &Rc<Scope>, body: &Expression) -> Result<Vec<Locals>> {
        match body {
            Expression::If(condition, _) => {
                let holds = self.evaluate(scope, condition, &Locals::new())? != Value::Boolean(false);
                Ok(if holds { vec![Locals::new()] } else { Vec::new() })
            }
            Expression::For { item, index, items, .. } => {
                let items = self.evaluate(scope, items, &Locals::new())?;
                let round = |(place, value): (usize, &Value)| {
                    let mut locals = Locals::from([(item.clone(), value.clone())]);
                    let number = i64::try_from(place).unwrap_or(i64::MAX);
                    locals.extend(index.clone().map(|name| (name, Value::Number(number))));
                    locals
                };
                Ok(items.items().iter().enumerate().map(round).collect())
            }
            _ => Ok(vec![Locals::new()]),
        }
    }

    /// Determines the name of a resource.
    fn identify(&self, scope: &Rc<Scope>, index: usize, declared: &Declared, locals: &Locals) -> Result<()> {
        let property = |name| declared.body.property(name).map(|value| self.evaluate(scope, value, locals)).transpose();
        let name = property("name")?.with_context(|| format!("{} has no name", declared.symbol))?.to_text();
        let parent = match (&declared.inside, property("parent")?) {
            (Some(outer), _) => scope.resources.borrow().get(outer).cloned(),
            (None, parent) => parent,
        };
        let on = property("scope")?;
        let mut deployment = self.deployment.borrow_mut();
        let before = match parent {
            Some(Value::Resource(parent)) => format!("{}/", deployment.resources[parent].path),
            _ => String::new(),
        };
        let resource = &mut deployment.resources[index];
        resource.path = format!("{before}{name}");
        resource.name = name;
        resource.scope = if let Some(Value::Resource(on)) = on { Some(on) } else { None };
        Ok(())
    }

    /// Evaluates a resource's whole body.
    fn describe(&self, scope: &Rc<Scope>, index: usize, declared: &Declared, locals: &Locals) -> Result<()> {
        let body = self.object(scope, declared.body.object(), locals);
        let body = body.with_context(|| format!("resource {}", declared.symbol))?;
        self.deployment.borrow_mut().resources[index].body = body;
        Ok(())
    }

    fn module(&self, scope: &Rc<Scope>, symbol: &str) -> Result<Value> {
        if let Some(known) = scope.modules.borrow().get(symbol) {
            return Ok(known.clone());
        }
        let module = scope.file.modules.get(symbol).with_context(|| format!("there is no module {symbol}"))?;
        let folder = scope.file.name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let path = if folder.is_empty() { module.path.clone() } else { format!("{folder}/{}", module.path) };
        let mut instances = Vec::new();
        for locals in self.rounds(scope, &module.body)? {
            let given = match module.body.property("params") {
                Some(Expression::Object(given)) => self.object(scope, given, &locals)?,
                _ => Value::Object(BTreeMap::new()),
            };
            let Value::Object(given) = given else { bail!("the parameters of module {symbol} are not an object") };
            let instance = self.instance(&path, given).with_context(|| format!("module {symbol}"))?;
            instances.push(Value::Outputs(instance));
        }
        let repeated = matches!(module.body, Expression::For { .. });
        let value = if repeated { Value::Array(instances) } else { instances.pop().unwrap_or(Value::Null) };
        scope.modules.borrow_mut().insert(symbol.to_owned(), value.clone());
        Ok(value)
    }

    fn object(&self, scope: &Rc<Scope>, properties: &[(Key, Expression)], locals: &Locals) -> Result<Value> {
        let mut object = BTreeMap::new();
        for (key, value) in properties {
            let key = self.parts(scope, key, locals)?;
            let value = self.evaluate(scope, value, locals).with_context(|| format!("property {key}"))?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }

    fn parts(&self, scope: &Scope, parts: &[Part], locals: &Locals) -> Result<String> {
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Value(expression) => text.push_str(&self.evaluate(scope, expression, locals)?.to_text()),
            }
        }
        Ok(text)
    }

    fn evaluate(&self, scope: &Scope, expression: &Expression, locals: &Locals) -> Result<Value> {
        let value = |expression: &Expression| self.evaluate(scope, expression, locals);
        Ok(match expression {
            Expression::Text(parts) => Value::Text(self.parts(scope, parts, locals)?),
            Expression::Number(number) => Value::Number(*number),
            Expression::Boolean(flag) => Value::Boolean(*flag),
            Expression::Null => Value::Null,
            Expression::Array(items) => Value::Array(items.iter().map(value).collect::<Result<_>>()?),
            Expression::Object(properties) => {
                let mut object = BTreeMap::new();
                for (key, property) in properties {
                    object.insert(self.parts(scope, key, locals)?, value(property)?);
                }
                Value::Object(object)
            }
            Expression::Name(name) => self.name(scope, name, locals)?,
            Expression::Nested(outer, own) => self.name(scope, &format!("{outer}::{own}"), locals)?,
            Expression::Member(of, member) => self.member(&value(of)?, member)?,
            Expression::Index(of, index) => match (value(of)?, value(index)?) {
                (Value::Array(items), Value::Number(index)) => {
                    let index = usize::try_from(index).context("an index is negative")?;
                    items.get(index).cloned().context("an index is beyond the end")?
                }
                (of, Value::Text(key)) => self.member(&of, &key)?,
                _ => bail!("what is indexed is neither a list nor an object"),
            },
            Expression::Call(name, arguments) => {
                let arguments = arguments.iter().map(value).collect::<Result<Vec<_>>>()?;
                functions::call(name, &arguments, &|function, given| self.apply(function, given))?
            }
            Expression::Method(of, method) => Value::Text(format!("‹{}.{method}()›", value(of)?.to_text())),
            Expression::Lambda(names, body) => Value::Function(Rc::new(Lambda {
                names: names.clone(),
                body: (**body).clone(),
                locals: self.captured(scope, body, locals),
                file: Rc::clone(&scope.file),
            })),
            Expression::For { item, index, items, body } => {
                let items = value(items)?;
                let mut made = Vec::new();
                for (place, one) in (0..).zip(items.items()) {
                    let mut locals = locals.clone();
                    locals.insert(item.clone(), one.clone());
                    locals.extend(index.clone().map(|name| (name, Value::Number(place))));
                    made.push(self.evaluate(scope, body, &locals)?);
                }
                Value::Array(made)
            }
            Expression::If(_, body) => value(body)?,
            Expression::Choice(condition, then, otherwise) => match value(condition)? {
                Value::Boolean(true) => value(then)?,
                _ => value(otherwise)?,
            },
            Expression::Binary(operator, left, right) => match (operator.as_str(), value(left)?) {
                ("&&", Value::Boolean(false)) => Value::Boolean(false),
                ("||", Value::Boolean(true)) => Value::Boolean(true),
                (_, left) => functions::binary(operator, left, value(right)?)?,
            },
            Expression::Unary(operator, of) => functions::unary(operator, &value(of)?)?,
        })
    }

    /// The local names that a lambda needs from its surroundings.
    fn captured(&self, scope: &Scope, body: &Expression, locals: &Locals) -> Locals {
        let mut captured = locals.clone();
        body.walk(&mut Vec::new(), &mut |part, inner| {
            if let Expression::Name(name) = part
                && !inner.contains(&name.as_str())
                && let Ok(value) = self.name(scope, name, locals)
            {
                captured.insert(name.clone(), value);
            }
        });
        captured
    }

    fn apply(&self, function: &Value, given: Vec<Value>) -> Result<Value> {
        let Value::Function(function) = function else { bail!("a function is expected") };
        let mut locals = function.locals.clone();
        locals.extend(function.names.iter().cloned().zip(given));
        let scope = Scope::new(Rc::clone(&function.file), BTreeMap::new());
        self.evaluate(&scope, &function.body, &locals)
    }

    fn name(&self, scope: &Scope, name: &str, locals: &Locals) -> Result<Value> {
        if let Some(value) = locals.get(name).or_else(|| scope.parameters.get(name)) {
            return Ok(value.clone());
        }
        if let Some(value) = scope.variables.borrow().get(name) {
            return Ok(value.clone());
        }
        if let Some(variable) = scope.file.variables.get(name) {
            let value = self.evaluate(scope, variable, &Locals::new()).with_context(|| format!("variable {name}"))?;
            scope.variables.borrow_mut().insert(name.to_owned(), value.clone());
            return Ok(value);
        }
        if let Some(resource) = scope.resources.borrow().get(name) {
            return Ok(resource.clone());
        }
        // Within its own object, a nested resource is known by its short name.
        let short = format!("::{name}");
        if let Some((_, nested)) = scope.resources.borrow().iter().find(|(symbol, _)| symbol.ends_with(&short)) {
            return Ok(nested.clone());
        }
        if let Some(module) = scope.modules.borrow().get(name) {
            return Ok(module.clone());
        }
        if scope.file.modules.contains_key(name) {
            // A module that an earlier one refers to: expanded now, in a scope that shares what is known.
            return self.module_ahead(scope, name);
        }
        bail!("{name} is not declared")
    }

    fn module_ahead(&self, scope: &Scope, name: &str) -> Result<Value> {
        let shared = Rc::new(Scope {
            file: Rc::clone(&scope.file),
            parameters: scope.parameters.clone(),
            variables: RefCell::new(scope.variables.borrow().clone()),
            resources: RefCell::new(scope.resources.borrow().clone()),
            modules: RefCell::new(scope.modules.borrow().clone()),
        });
        let value = self.module(&shared, name)?;
        scope.modules.borrow_mut().extend(shared.modules.take());
        Ok(value)
    }

    fn member(&self, of: &Value, member: &str) -> Result<Value> {
        Ok(match of {
            Value::Object(properties) => {
                properties.get(member).cloned().with_context(|| format!("there is no property {member}"))?
            }
            Value::Resource(index) => {
                let deployment = self.deployment.borrow();
                let resource = &deployment.resources[*index];
                match member {
                    "name" => Value::Text(resource.name.clone()),
                    _ => Value::Text(format!("‹{}/{}.{member}›", resource.kind, resource.path)),
                }
            }
            Value::Outputs(_) if member == "outputs" => of.clone(),
            Value::Outputs(scope) => {
                let output = scope.file.outputs.get(member);
                let output = output.with_context(|| format!("{} has no output {member}", scope.file.name))?;
                self.evaluate(scope, output, &Locals::new())?
            }
            Value::Text(symbol) if symbol.starts_with('‹') => {
                Value::Text(format!("{}.{member}›", symbol.trim_end_matches('›')))
            }
            _ => bail!("there is no property {member}"),
        })
    }
}
