//! Names: whatever is used is declared, whatever is declared is used, and a module gets exactly the parameters it has.

use crate::Problem;
use crate::bicep::{Expression, File, Part};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Checks one file.
pub(crate) fn check(file: &File, files: &BTreeMap<String, Rc<File>>) -> Vec<Problem> {
    if file.name.ends_with(".bicepparam") {
        return assigned(file, files);
    }
    let mut problems = Vec::new();
    let mut problem = |what: String| problems.push(Problem::new(&file.name, what));
    let resources: BTreeSet<&str> = file.resources.iter().map(|resource| resource.symbol.as_str()).collect();
    let known = |name: &str| {
        file.parameters.contains_key(name)
            || file.variables.contains_key(name)
            || file.modules.contains_key(name)
            || resources.contains(name)
    };
    let mut used = BTreeSet::new();
    for expression in expressions(file) {
        expression.walk(&mut Vec::new(), &mut |part, locals| match part {
            Expression::Name(name) if !locals.contains(&name.as_str()) => {
                used.insert(name.clone());
                // Within its own object, a nested resource is known by its short name.
                let nested = || resources.iter().any(|resource| resource.ends_with(&format!("::{name}")));
                if !known(name) && !nested() {
                    problem(format!("{name} is used, but not declared"));
                }
            }
            Expression::Nested(outer, own) if !resources.contains(format!("{outer}::{own}").as_str()) => {
                problem(format!("{outer}::{own} is used, but not declared"));
            }
            _ => {}
        });
    }
    for name in file.parameters.keys().chain(file.variables.keys()).filter(|name| !used.contains(*name)) {
        problem(format!("{name} is declared, but not used"));
    }
    for (symbol, module) in &file.modules {
        let path =
            file.name.rsplit_once('/').map_or(module.path.clone(), |(folder, _)| format!("{folder}/{}", module.path));
        let Some(target) = files.get(&path) else {
            problem(format!("module {symbol}: there is no file {path}"));
            continue;
        };
        let given: BTreeSet<String> = module.body.property("params").map(keys).unwrap_or_default();
        for name in given.iter().filter(|name| !target.parameters.contains_key(*name)) {
            problem(format!("module {symbol}: {path} has no parameter {name}"));
        }
        for (name, _) in target.parameters.iter().filter(|(_, parameter)| parameter.default.is_none()) {
            if !given.contains(name) {
                problem(format!("module {symbol}: {path} needs the parameter {name}"));
            }
        }
    }
    problems
}

/// Every expression in a file.
fn expressions(file: &File) -> impl Iterator<Item = &Expression> {
    let defaults = file.parameters.values().filter_map(|parameter| parameter.default.as_ref());
    defaults
        .chain(file.variables.values())
        .chain(file.outputs.values())
        .chain(file.resources.iter().map(|resource| &resource.body))
        .chain(file.modules.values().map(|module| &module.body))
}

fn keys(object: &Expression) -> BTreeSet<String> {
    let literal = |key: &Vec<Part>| match key.as_slice() {
        [Part::Literal(name)] => Some(name.clone()),
        _ => None,
    };
    object.object().iter().filter_map(|(key, _)| literal(key)).collect()
}

/// A parameter file assigns only parameters of its template, and all that the template requires.
fn assigned(file: &File, files: &BTreeMap<String, Rc<File>>) -> Vec<Problem> {
    let Some(target) = file.using.as_ref().and_then(|using| files.get(using)) else {
        return vec![Problem::new(&file.name, "using names no file that exists")];
    };
    let unknown = file.variables.keys().filter(|name| !target.parameters.contains_key(*name));
    let unknown = unknown.map(|name| format!("{} has no parameter {name}", target.name));
    let needed = target.parameters.iter().filter(|(_, parameter)| parameter.default.is_none());
    let missing = needed.map(|(name, _)| name).filter(|name| !file.variables.contains_key(*name));
    let missing = missing.map(|name| format!("{} needs the parameter {name}", target.name));
    unknown.chain(missing).map(|what| Problem::new(&file.name, what)).collect()
}
