//! What a program requires of the Linux it runs on.

use super::portable::GLIBC;
use anyhow::{Context, Result, bail};
use object::elf::{DT_NEEDED, FileHeader64};
use object::read::elf::{Dyn, FileHeader};
use object::{Endianness, elf};
use std::collections::BTreeSet;
use std::path::Path;

/// Libraries that are part of glibc, and so on every image.
const GLIBC_LIBRARIES: [&str; 6] =
    ["libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "ld-linux-x86-64.so.2"];

/// What a program requires.
#[derive(Debug, Default, PartialEq, Eq)]
struct Requirements {
    /// Shared libraries.
    libraries: BTreeSet<String>,
    /// Versions of symbols, e.g. `GLIBC_2.28`.
    versions: BTreeSet<String>,
}

/// Fails when the program requires more than [`GLIBC`] and its own libraries.
pub(super) fn check(program: &Path) -> Result<()> {
    let bytes = std::fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    let requirements = Requirements::of(&bytes).with_context(|| format!("{} is no ELF program", program.display()))?;
    let excess = requirements.excess();
    if !excess.is_empty() {
        bail!("the handler would not start everywhere: it needs {}", excess.join(", "));
    }
    Ok(())
}

impl Requirements {
    fn of(bytes: &[u8]) -> Result<Self> {
        let header = FileHeader64::<Endianness>::parse(bytes)?;
        let endian = header.endian()?;
        if header.e_machine(endian) != elf::EM_X86_64 {
            bail!("it is not for x86-64");
        }
        let sections = header.sections(endian, bytes)?;
        let mut found = Self::default();
        if let Some((entries, index)) = sections.dynamic(endian, bytes)? {
            let strings = sections.strings(endian, bytes, index)?;
            for entry in entries.iter().filter(|entry| entry.tag(endian) == DT_NEEDED) {
                found.libraries.insert(text(entry.string(endian, strings)?));
            }
        }
        if let Some((mut needed, index)) = sections.gnu_verneed(endian, bytes)? {
            let strings = sections.strings(endian, bytes, index)?;
            while let Some((_, mut versions)) = needed.next()? {
                while let Some(version) = versions.next()? {
                    found.versions.insert(text(version.name(endian, strings)?));
                }
            }
        }
        Ok(found)
    }

    fn excess(&self) -> Vec<String> {
        let libraries = self.libraries.iter().filter(|library| !GLIBC_LIBRARIES.contains(&library.as_str()));
        let versions = self.versions.iter().filter(|version| number(version) > number(GLIBC));
        libraries.chain(versions).cloned().collect()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `GLIBC_2.3.4` as numbers, for comparison.
fn number(version: &str) -> Vec<u32> {
    version.trim_start_matches("GLIBC_").split('.').map(|part| part.parse().unwrap_or(u32::MAX)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_program_needs_is_found() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let requirements = Requirements::of(&own).unwrap();
        assert!(requirements.libraries.contains("libc.so.6"), "{requirements:?}");
        assert!(requirements.versions.contains("GLIBC_2.2.5"), "{requirements:?}");
    }

    #[test]
    fn newer_versions_and_other_libraries_are_too_much() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let requirements = Requirements {
            libraries: set(&["libc.so.6", "libgcc_s.so.1"]),
            versions: set(&["GLIBC_2.3.4", "GLIBC_2.28", "GLIBC_2.34"]),
        };
        assert_eq!(requirements.excess(), ["libgcc_s.so.1", "GLIBC_2.34"]);
        assert!(Requirements::of(b"#!/bin/sh").is_err());
    }
}
