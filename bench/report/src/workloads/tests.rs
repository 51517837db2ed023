use super::*;

#[test]
fn signs_differ() {
    let all = [
        Standing::Best,
        Standing::Jammed,
        Standing::Fails(String::new()),
        Standing::Unknown(String::new()),
        Standing::Costly,
        Standing::Missing,
    ];
    let mut signs = all.each_ref().map(mark);
    signs.sort_unstable();
    assert!(signs.windows(2).all(|two| two[0] != two[1]), "{signs:?}");
}
