//! A million rows: memory stays within its limit, and the cost of a row does not grow with the file.

use crate::Bench;
use crate::databases::Kind;
use crate::drops::{idle, load};
use crate::files::megabytes;
use crate::local::Local;
use crate::report::Target::{AtLeast, AtMost};
use crate::report::{Section, number};
use anyhow::{Result, ensure};

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Section>> {
    let rows = bench.amount(1_000_000);
    let files = bench.files.narrow(rows)?;
    let about = format!(
        "{} rows × 12 columns (CSV {:.0} MB, XLSX {:.0} MB: within the limits of a drop) through the whole path on \
         SQLite.",
        number(f64::from(rows)),
        megabytes(&files[0])?,
        megabytes(&files[1])?
    );
    let mut section = Section::new("A million rows", about);
    for (file, limit) in files.iter().zip([128.0, 400.0]) {
        let database = bench.databases.create(Kind::Sqlite).await?;
        let local = Local::start(bench, &database).await?;
        let idle = idle(bench, &local).await?;
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let load = load(&local, &format!("million.{ending}"), file, rows, idle).await?;
        ensure!(load.totals.created == u64::from(rows), "not every row became an order: {:?}", load.totals);
        local.stop().await;
        bench.databases.remove(database).await?;
        section.figure(ending.to_uppercase(), load.rate, "rows/s");
        section.figure("… from 5 % to 15 % of the rows", load.first, "rows/s");
        section.figure("… from 85 % to 95 % of the rows", load.last, "rows/s");
        section.ratio("… the later of the earlier", load.last, load.first, AtLeast(0.9));
        section.aim("… handler's peak memory above idle", load.memory, "MB", AtMost(limit));
    }
    Ok(vec![section])
}
