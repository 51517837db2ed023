//! What the requests cost the contestant, over its whole process tree.
//!
//! A figure that the machine does not provide is absent, never zero.

use serde::{Deserialize, Serialize};

use crate::quota::QuotaFigures;

/// What the requests cost the contestant during the measured window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ServerFigures {
    /// Time between the two instants at which CPU time was read.
    pub seconds: f64,
    /// CPU of all processes of the tree, those that ended included, in cores (1.0 is one core all the time).
    pub cores_used: f64,
    /// Which account of the kernel tells that. Older records have it from the clocks of processes.
    #[serde(default)]
    pub account: Option<CpuAccount>,
    /// When something was read in the measured window, as (from, until) in milliseconds from its start. Older records
    /// do not tell it.
    #[serde(default)]
    pub looks_ms: Vec<(f64, f64)>,
    /// Share of that CPU that was spent in the kernel, from 0 to 1.
    pub system_share: Option<f64>,
    /// Cores that the contestant may use.
    pub cores_allotted: usize,
    /// Context switches a second, voluntary and forced. Those of threads and processes that have ended are included
    /// where perf events count them.
    #[serde(default)]
    pub switches_per_s: Option<f64>,
    /// Context switches a second that a thread asked for by waiting.
    pub switches_voluntary_per_s: Option<f64>,
    /// Context switches a second that the scheduler forced.
    pub switches_involuntary_per_s: Option<f64>,
    /// Moves between cores a second.
    pub migrations_per_s: Option<f64>,
    /// Page faults a second that needed no input or output.
    pub faults_minor_per_s: Option<f64>,
    /// Page faults a second that read from a disk.
    pub faults_major_per_s: Option<f64>,
    /// System calls a second, where tracing is allowed.
    pub system_calls_per_s: Option<f64>,
    /// Instructions a second, where the processor's counters can be read.
    pub instructions_per_s: Option<f64>,
    /// Cycles a second that its cores spent on it, where the processor's counters can be read.
    #[serde(default)]
    pub cycles_per_s: Option<f64>,
    /// Time that threads stood runnable without a core, in threads (1.0 is one thread all the time).
    pub run_queue_waiting: Option<f64>,
    /// Most threads seen at once.
    pub threads: u32,
    /// Most processes seen at once.
    pub processes: u32,
    /// Thread-level parallelism: how many threads ran while any did.
    pub parallelism: Option<f64>,
    /// Memory before the load.
    pub memory_idle: Memory,
    /// Memory under load.
    pub memory_loaded: Memory,
    /// Requests served by each worker, where the contestant reports them; they show how evenly the work was spread.
    pub spread: Vec<u64>,
    /// What a CPU quota did to it; absent where it was measured without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<QuotaFigures>,
    /// Where the counters come from: `/proc`, or `perf events, /proc`.
    pub source: String,
}

/// An account that the kernel keeps of CPU time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CpuAccount {
    /// That of a control group made for the contestant: whoever was ever in it is in the account.
    Group,
    /// The clocks of the processes of its tree, and the time of children that its first process has waited for.
    Clocks,
}

/// Memory of a process tree, and of the kernel for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Memory {
    /// Proportional set size: a shared page counts in shares.
    pub pss_bytes: Option<u64>,
    /// The part of it that belongs to no file: heap, stacks, and what processes of the tree share among themselves.
    /// Its growth is what the load takes. The pages of the program are left out because they are shared with other
    /// runs of the same program, and count for less as soon as one starts. Absent before Linux 5.9.
    #[serde(default)]
    pub anonymous_bytes: Option<u64>,
    /// Socket buffers of the whole machine.
    pub socket_buffers_bytes: Option<u64>,
    /// Kernel objects of the whole machine: slabs, kernel stacks, page tables.
    pub kernel_bytes: Option<u64>,
}

impl Memory {
    /// How much more anonymous memory `loaded` has than this. `None` where either was not measured, or where memory
    /// was given back meanwhile: what the load takes is then unknown, which is not zero.
    pub fn growth_bytes(&self, loaded: &Memory) -> Option<u64> {
        loaded.anonymous_bytes?.checked_sub(self.anonymous_bytes?)
    }

    /// The same for the kernel's objects, which are those of the whole machine.
    pub fn kernel_growth_bytes(&self, loaded: &Memory) -> Option<u64> {
        loaded.kernel_bytes?.checked_sub(self.kernel_bytes?)
    }
}

/// The figures of the whole machine during the measured window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MachineFigures {
    /// CPU of everything, in cores. Loopback charges the receiver's work to the sender, so this figure is the fairer
    /// one.
    pub cores_used: f64,
    /// CPU of whatever is neither contestant nor generator nor this program, in cores; where the next field is there,
    /// without that.
    pub others_cores_used: f64,
    /// CPU of threads of the kernel that work for the load (soft interrupts, RCU, kworkers, migration), in cores.
    /// Older records count them to the others.
    #[serde(default)]
    pub kernel_threads_cores_used: Option<f64>,
    /// The time in which what others used was observed: from before the window until after the load. Older records
    /// observed the window.
    #[serde(default)]
    pub observed_seconds: Option<f64>,
    /// Share of the machine's time that the hypervisor took.
    pub steal_share: f64,
    /// Cores of the machine.
    pub cores: usize,
    /// Connections that found the accept queue full (`ListenOverflows`).
    pub listen_overflows: Option<u64>,
    /// Segments sent again (`RetransSegs`).
    pub retransmissions: Option<u64>,
    /// Times that a CPU quota stopped the control groups of contestant and generator; absent where there is none.
    #[serde(default)]
    pub throttled: Option<u64>,
}
