//! The handler's memory.

/// The peak resident memory of a live process, in bytes. `None` where the system does not say.
pub(crate) fn peak_rss(pid: u32) -> Option<u64> {
    field(pid, "VmHWM:")
}

/// The current resident memory of a live process, in bytes. `None` where the system does not say.
pub(crate) fn rss(pid: u32) -> Option<u64> {
    field(pid, "VmRSS:")
}

fn field(pid: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn this_process_has_a_peak() {
        let now = super::rss(std::process::id()).unwrap();
        assert!(now > 100_000 && super::peak_rss(std::process::id()).unwrap() >= now);
        assert_eq!(super::peak_rss(u32::MAX), None);
    }
}
