//! Reports: PDFs per second on all cores, compared with headless Chromium printing the same HTML, and memory with 200
//! in flight.

mod chromium;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};
use iris_report::report::{EyeImage, Report};
use iris_report::template::{Template, resolve};
use iris_report::{EvaluationType, Renderer, sample};

use crate::report::{Section, Target};
use crate::{Bench, clock};

/// Side of the images: about what a fundus camera delivers, 4 megapixels.
const SIDE: u32 = 2_000;
/// Side of images that have to be scaled down.
const OVERSIZED: u32 = 4_400;
const IN_FLIGHT: usize = 200;

pub(crate) fn run(bench: &Bench) -> Result<Vec<Section>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let work = work(SIDE);
    let renderer = Renderer::default();
    let bytes = renderer.pdf(&work[0].0, &work[0].1)?.0.len();
    let about = format!(
        "Reports of all {} evaluation types with two images of {SIDE} by {SIDE} pixels each, PDF/A-2a and PDF/UA-1, \
         on {cores} threads; the first has {} kB. Chromium is one running browser that prints the same HTML on \
         {cores} pages at once, without the standards.",
        EvaluationType::ALL.len(),
        bytes / 1_000
    );
    let mut section = Section::new("Reports", about);
    let count = bench.amount(2_000);
    let ours = clock::best(bench.repeats(), || pdfs(&renderer, &work, count, cores))?;
    section.aim("PDFs, all cores", ours, "/s", Target::AtLeast(150.0));
    section.figure("PDFs, one core", clock::best(bench.repeats(), || pdfs(&renderer, &work, count / 2, 1))?, "/s");
    let pages: Vec<String> = work.iter().map(|(template, report)| renderer.html(template, report).0).collect();
    match chromium::prints(&pages, bench.amount(200), cores) {
        Ok((peer, version)) => {
            section.figure(format!("headless Chromium {version}, the same HTML"), peer, "/s");
            section.ratio("ours of Chromium", ours, peer, Target::AtLeast(20.0));
        }
        Err(reason) => section.figure(format!("headless Chromium: not measured, {reason:#}"), f64::NAN, ""),
    }
    section.figure(format!("memory of {IN_FLIGHT} in flight, above idle"), in_flight(&renderer, &work)?, "MB");
    let oversized = self::work(OVERSIZED);
    let title = format!("the same with images of {OVERSIZED} by {OVERSIZED} pixels, scaled down");
    section.figure(title, in_flight(&renderer, &oversized)?, "MB");
    Ok(vec![section])
}

type Work = Vec<(Arc<Template>, Report)>;

/// A report of each type.
fn work(side: u32) -> Work {
    let right = sample::fundus(side, false);
    let left = sample::fundus(side, true);
    EvaluationType::ALL
        .iter()
        .copied()
        .map(|kind| {
            let mut report = sample::report(kind);
            report.od.image = Some(EyeImage { bytes: Arc::clone(&right), taken: None });
            report.os.image = Some(EyeImage { bytes: Arc::clone(&left), taken: None });
            (resolve(kind, |_, _| None).template, report)
        })
        .collect()
}

fn pdfs(renderer: &Renderer, work: &Work, count: u32, threads: usize) -> Result<f64> {
    let next = AtomicUsize::new(0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= count as usize {
                            return Ok(());
                        }
                        let (template, report) = &work[index % work.len()];
                        renderer.pdf(template, report)?;
                    }
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow::anyhow!("a thread died"))?)
    })?;
    Ok(clock::rate(count, started))
}

/// Peak memory of this process while this many reports are rendered at once, each on a thread of its own and each kept
/// until all are done, in MB above the memory before.
fn in_flight(renderer: &Renderer, work: &Work) -> Result<f64> {
    // Resets the kernel's record of the peak.
    std::fs::write("/proc/self/clear_refs", "5").context("the peak of memory cannot be reset here")?;
    let before = status("VmRSS:")?;
    std::thread::scope(|scope| -> Result<()> {
        let threads: Vec<_> = (0..IN_FLIGHT)
            .map(|index| {
                let (template, report) = &work[index % work.len()];
                scope.spawn(|| renderer.pdf(template, report))
            })
            .collect();
        let made: Vec<_> = threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        for made in made {
            made.map_err(|_| anyhow::anyhow!("a thread died"))??;
        }
        Ok(())
    })?;
    Ok(status("VmHWM:")? - before)
}

/// A line of this process's status, in MB.
fn status(name: &str) -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such line")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1_000.0)
}
