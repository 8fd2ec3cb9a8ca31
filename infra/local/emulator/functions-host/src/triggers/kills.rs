//! The fault that kills the handler at random times.

use std::sync::Arc;

use crate::core::Core;

/// Kills as long as the faults say so, until the host stops.
pub(crate) async fn run(core: Arc<Core>) {
    let stopping = core.stopping.clone();
    tokio::select! {
        biased;
        () = stopping.cancelled() => {}
        () = kill(&core) => {}
    }
}

async fn kill(core: &Core) {
    loop {
        let kills = core.faults.kills_wanted().await;
        let Ok(endpoint) = core.worker.ready().await else { return };
        tokio::time::sleep(core.faults.duration(kills.from, kills.to)).await;
        // The faults may have been changed meanwhile.
        if core.faults.take_kill() {
            core.worker.restart(Some(endpoint.generation), "killed on purpose");
            core.worker.noticed(endpoint.generation).await;
        }
    }
}
