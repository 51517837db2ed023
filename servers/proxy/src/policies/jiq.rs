//! Join the idle queue (Lu et al., 2011), as one first tier has it: who has nothing under way gets the request, and
//! only where nobody is idle chance decides. With several first tiers the backends would say themselves that they are
//! idle.

use super::random::Random;
use crate::farm::{Backends, Farm};
use crate::policy::{Choice, Dispatch};

/// The policy.
#[derive(Debug)]
pub struct JoinIdle;

impl Dispatch for JoinIdle {
    fn pick(&self, farm: &Farm<'_>, choice: &Choice) -> Option<usize> {
        let is_idle = |backend: &usize| farm.outstanding(*backend) == 0;
        let idle = choice.among.each().filter(is_idle).fold(Backends::default(), Backends::with);
        let among = if idle == Backends::default() { choice.among } else { idle };
        Random.pick(farm, &Choice { among, ..*choice })
    }
}
