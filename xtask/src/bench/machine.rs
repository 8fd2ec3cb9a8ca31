//! The machine that figures were taken on; without it they mean nothing.

use std::fs;

/// A Markdown table of processor, memory, kernel, compiler and database.
pub(super) async fn describe(postgres: Option<&str>) -> String {
    let compiler = crate::child::output(tokio::process::Command::new("rustc").arg("--version")).await;
    let cores = std::thread::available_parallelism().map_or_else(|_| "unknown".to_owned(), |cores| cores.to_string());
    let system = rustix::system::uname();
    let kernel = format!("{} {}", system.sysname().to_string_lossy(), system.release().to_string_lossy());
    let rows = [
        ("Processor", processor(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default())),
        ("Cores", cores),
        ("Memory", memory(&fs::read_to_string("/proc/meminfo").unwrap_or_default())),
        ("System", format!("{kernel}, {}", std::env::consts::ARCH)),
        ("Compiler", compiler.map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())),
        ("PostgreSQL", postgres.unwrap_or("not used").to_owned()),
    ];
    let lines = rows.iter().map(|(name, value)| format!("| {name} | {value} |"));
    ["| Machine | |".to_owned(), "|---|---|".to_owned()].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

/// The model as Linux names it; other systems have no such file.
fn processor(cpuinfo: &str) -> String {
    let model = value(cpuinfo, "model name");
    model.map_or_else(|| "unknown".to_owned(), |model| model.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Total memory in GiB with one decimal.
fn memory(meminfo: &str) -> String {
    let kibibytes = value(meminfo, "MemTotal").and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.map_or_else(
        || "unknown".to_owned(),
        |kibibytes| {
            let tenths = (kibibytes * 10 + (1 << 19)) >> 20;
            format!("{}.{} GiB", tenths / 10, tenths % 10)
        },
    )
}

/// The value of the first `key : value` line with this key.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_model_and_memory() {
        assert_eq!(processor("processor\t: 0\nmodel name\t: Some  CPU @ 2.5GHz\n"), "Some CPU @ 2.5GHz");
        assert_eq!(memory("MemTotal:       25165824 kB\nMemFree: 1 kB\n"), "24.0 GiB");
    }

    #[test]
    fn what_is_not_told_is_unknown() {
        assert_eq!(processor(""), "unknown");
        assert_eq!(memory("MemTotal: lots\n"), "unknown");
    }
}
