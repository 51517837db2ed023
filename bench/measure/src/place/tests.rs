//! Placements on machines of many kinds, each a tree as the kernel shows it in /sys.

use std::fs;

use tempfile::TempDir;

use super::*;

/// A processor as its files in /sys tell it: number, siblings, node, sharers of the last cache, capacity.
struct Row {
    cpu: usize,
    siblings: String,
    node: usize,
    cache: String,
    capacity: Option<u32>,
}

fn row(cpu: usize, siblings: impl Into<String>, node: usize, cache: impl Into<String>) -> Row {
    Row { cpu, siblings: siblings.into(), node, cache: cache.into(), capacity: None }
}

/// The tree of a machine with these processors; `online` as the kernel writes it.
fn tree(rows: &[Row], online: &str) -> TempDir {
    let sys = tempfile::tempdir().unwrap();
    let write = |path: String, content: &str| {
        let path = sys.path().join("devices/system").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{content}\n")).unwrap();
    };
    write("cpu/online".into(), online);
    for row in rows {
        let of = |name: &str| format!("cpu/cpu{}/{name}", row.cpu);
        write(of("topology/thread_siblings_list"), &row.siblings);
        write(of("cache/index0/level"), "1");
        write(of("cache/index0/shared_cpu_list"), &row.siblings);
        write(of("cache/index3/level"), "3");
        write(of("cache/index3/shared_cpu_list"), &row.cache);
        if let Some(capacity) = row.capacity {
            write(of("cpu_capacity"), &capacity.to_string());
        }
    }
    let mut nodes: Vec<usize> = rows.iter().map(|row| row.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    write("node/online".into(), &ranges(&nodes));
    for node in nodes {
        let cpus: Vec<usize> = rows.iter().filter(|row| row.node == node).map(|row| row.cpu).collect();
        write(format!("node/node{node}/cpulist"), &ranges(&cpus));
    }
    sys
}

/// Server and generator by halves, by a need of 93 to 38 (a connection each), and who is left out.
fn placed(sys: &TempDir, allowed: &[usize]) -> [String; 4] {
    let placement = Placement::of(&Topology::read(sys.path(), allowed));
    let halves = placement.halves();
    let need = placement.by_need(93.0 / 38.0).map_or("-".to_string(), |cores| ranges(&cores.server));
    let left: Vec<usize> = placement.left_out.iter().map(|(cpu, _)| *cpu).collect();
    [ranges(&halves.server), ranges(&halves.generator), need, ranges(&left)]
}

fn all(count: usize) -> Vec<usize> {
    (0..count).collect()
}

#[test]
fn a_virtual_machine_with_two_cores_has_one_for_each_side() {
    let sys = tree(&[row(0, "0", 0, "0"), row(1, "1", 0, "1")], "0-1");
    assert_eq!(placed(&sys, &all(2)), ["0", "1", "-", ""]);
    // Its two processors may be threads of one core: better shared units than a shared processor.
    let sys = tree(&[row(0, "0-1", 0, "0-1"), row(1, "0-1", 0, "0-1")], "0-1");
    assert_eq!(placed(&sys, &all(2)), ["0", "1", "-", ""]);
}

#[test]
fn one_core_is_shared() {
    let sys = tree(&[row(0, "0", 0, "0")], "0");
    assert_eq!(placed(&sys, &all(1)), ["0", "0", "-", ""]);
    assert!(Placement::of(&Topology::read(sys.path(), &[0])).halves().shared());
    assert_eq!(Placement::flat(&[]).halves(), Cores::default());
}

#[test]
fn a_laptop_with_two_kinds_of_cores_uses_the_fast_ones() {
    // Four performance cores with two threads each, and eight efficiency cores in two clusters.
    let mut rows: Vec<Row> =
        (0..8).map(|cpu| row(cpu, format!("{}-{}", cpu / 2 * 2, cpu / 2 * 2 + 1), 0, "0-15")).collect();
    rows.extend((8..16).map(|cpu| row(cpu, cpu.to_string(), 0, "0-15")));
    let sys = tree(&rows, "0-15");
    let kinds = sys.path().join("devices");
    fs::create_dir_all(kinds.join("cpu_core")).unwrap();
    fs::create_dir_all(kinds.join("cpu_atom")).unwrap();
    fs::write(kinds.join("cpu_core/cpus"), "0-7\n").unwrap();
    fs::write(kinds.join("cpu_atom/cpus"), "8-15\n").unwrap();
    assert_eq!(placed(&sys, &all(16)), ["0-3", "4-7", "0-1", "8-15"]);
    let placement = Placement::of(&Topology::read(sys.path(), &all(16)));
    assert!(placement.left_out.iter().all(|(_, why)| *why == LeftOut::OtherKind));
    // Of one fast core and two slow ones the slow ones are alike.
    assert_eq!(placed(&sys, &[0, 1, 8, 9]), ["8", "9", "-", "0-1"]);
    // One of each: there is no other way.
    assert_eq!(placed(&sys, &[0, 1, 8]), ["0-1", "8", "-", ""]);
}

#[test]
fn two_sockets_of_32_with_smt_use_whole_cores_of_one() {
    let node = |cpu: usize| cpu % 64 / 32;
    let cache = |cpu: usize| if node(cpu) == 0 { "0-31,64-95" } else { "32-63,96-127" };
    let rows: Vec<Row> = (0..128)
        .map(|cpu| row(cpu, format!("{},{}", cpu % 64, cpu % 64 + 64), node(cpu), cache(cpu)))
        .collect();
    let sys = tree(&rows, "0-127");
    assert_eq!(placed(&sys, &all(128)), ["0-15,64-79", "16-31,80-95", "0-8,64-72", "32-63,96-127"]);
    let placement = Placement::of(&Topology::read(sys.path(), &all(128)));
    assert!(placement.left_out.iter().all(|(_, why)| *why == LeftOut::OtherNode));
}

#[test]
fn of_a_node_per_die_one_is_used_and_its_caches_are_not_split() {
    // Four nodes of eight cores, each with caches of four cores.
    let first = |cpu: usize| cpu / 4 * 4;
    let rows: Vec<Row> = (0..32)
        .map(|cpu| row(cpu, cpu.to_string(), cpu / 8, format!("{}-{}", first(cpu), first(cpu) + 3)))
        .collect();
    let sys = tree(&rows, "0-31");
    assert_eq!(placed(&sys, &all(32)), ["0-3", "4-7", "0-1", "8-31"]);
    // Five of eight is moved to the border between the caches.
    let placement = Placement::of(&Topology::read(sys.path(), &all(32)));
    assert_eq!(ranges(&placement.by_need(0.6).unwrap().server), "0-3");
    // Three cores of one die and one of another: the larger part.
    assert_eq!(placed(&sys, &[5, 6, 7, 8]), ["5", "6-7", "-", "8"]);
    // One core of each: there is no other way.
    assert_eq!(placed(&sys, &[0, 8, 16, 24]), ["0,8", "16,24", "0", ""]);
}

#[test]
fn a_container_has_its_cpuset_alone() {
    // Six cores with two threads each, of which the container sees the tree of the host.
    let rows: Vec<Row> =
        (0..12).map(|cpu| row(cpu, format!("{},{}", cpu % 6, cpu % 6 + 6), 0, "0-11")).collect();
    let sys = tree(&rows, "0-11");
    assert_eq!(placed(&sys, &[3, 7, 8, 9]), ["3,9", "7-8", "-", ""]);
}

#[test]
fn an_arm_server_has_cores_without_threads_and_one_cache() {
    let mut rows: Vec<Row> = (0..64).map(|cpu| row(cpu, cpu.to_string(), 0, "0-63")).collect();
    rows.iter_mut().for_each(|row| row.capacity = Some(1_024));
    let sys = tree(&rows, "0-63");
    assert_eq!(placed(&sys, &all(64)), ["0-31", "32-63", "0-17", ""]);
    // Three kinds, of which the fastest has a single core.
    let capacity = |cpu| {
        Some(if cpu == 7 {
            1_024
        } else if cpu > 3 {
            900
        } else {
            400
        })
    };
    let rows: Vec<Row> =
        (0..8).map(|cpu| Row { capacity: capacity(cpu), ..row(cpu, cpu.to_string(), 0, "0-7") }).collect();
    assert_eq!(placed(&tree(&rows, "0-7"), &all(8)), ["4", "5-6", "-", "0-3,7"]);
}

#[test]
fn siblings_that_are_off_line_are_nobody() {
    // The machine has switched SMT off: 4 to 7 have no files but their directory.
    let rows: Vec<Row> = (0..4).map(|cpu| row(cpu, format!("{cpu}"), 0, "0-3")).collect();
    let sys = tree(&rows, "0-3");
    assert_eq!(placed(&sys, &all(8)), ["0-1", "2-3", "0", ""]);
    // Some are off line, and the others still name them.
    let rows: Vec<Row> =
        [0, 2, 3, 4, 6].map(|cpu| row(cpu, format!("{},{}", cpu / 2 * 2, cpu / 2 * 2 + 1), 0, "0-7")).into();
    let sys = tree(&rows, "0,2-4,6");
    assert_eq!(placed(&sys, &all(8)), ["0,2-3", "4,6", "0", ""]);
}

#[test]
fn a_machine_that_tells_nothing_is_split_in_the_middle() {
    let nothing = tempfile::tempdir().unwrap();
    assert_eq!(placed(&nothing, &[0, 1, 2]), ["0", "1-2", "-", ""]);
    assert_eq!(placed(&nothing, &all(6)), ["0-2", "3-5", "0", ""]);
    assert_eq!(Placement::of(&Topology::read(nothing.path(), &all(6))), Placement::flat(&all(6)));
    for share in [f64::NAN, f64::INFINITY, -1.0] {
        assert_eq!(Placement::flat(&all(6)).by_need(share), None, "{share}");
    }
    let sides = |share| Placement::flat(&all(6)).by_need(share).unwrap();
    assert_eq!((sides(0.0).server.len(), sides(1e9).server.len()), (5, 1));
}

#[test]
fn each_processor_is_placed_once() {
    let here = Placement::here();
    let cores = here.halves();
    let mut all = cores.both();
    all.extend(here.left_out.iter().map(|(cpu, _)| *cpu));
    all.sort_unstable();
    assert_eq!(all, online_cores());
    assert_eq!(ranges(&[9, 3, 8, 7, 0]), "0,3,7-9");
}
