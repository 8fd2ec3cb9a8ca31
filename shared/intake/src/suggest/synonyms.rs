//! The table of synonyms: names that people give the fields.

use super::words::key;
use iris_model::IntakeField;
use std::collections::HashMap;
use std::sync::LazyLock;

/// A field with its names, one per line; see the file's first lines.
const TABLE: &str = include_str!("../../data/synonyms.txt");

static NAMES: LazyLock<HashMap<String, (IntakeField, bool)>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for (field, name, is_telling) in entries() {
        names.insert(key(name), (field, is_telling));
    }
    names
});

/// The field that a header is a synonym of, and whether the name is used for nothing else.
pub(super) fn of(header: &str) -> Option<(IntakeField, bool)> {
    NAMES.get(&key(header)).copied()
}

/// Field, name, and whether the name identifies the field when the values agree.
fn entries() -> impl Iterator<Item = (IntakeField, &'static str, bool)> {
    let lines = TABLE.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.filter_map(|line| line.split_once(':')).flat_map(|(field, names)| {
        let field = IntakeField::ALL.iter().copied().find(|known| known.name() == field.trim());
        names.split(',').map(str::trim).filter(|name| !name.is_empty()).filter_map(move |name| {
            match name.strip_prefix('?') {
                Some(name) => Some((field?, name, false)),
                None => Some((field?, name, true)),
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_names_a_field_and_no_name_stands_for_two() {
        let lines = TABLE.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
        for line in lines {
            let (field, _) = line.split_once(':').expect(line);
            assert!(IntakeField::ALL.iter().any(|known| known.name() == field), "{line}");
        }
        let mut seen: HashMap<String, IntakeField> = HashMap::new();
        for (field, name, _) in entries() {
            if let Some(other) = seen.insert(key(name), field) {
                panic!("{name} stands for {} and {}", other.name(), field.name());
            }
        }
    }
}
