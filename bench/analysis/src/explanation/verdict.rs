//! What has to be said before an explanation is read: that its difference may be noise, that its parts are larger than
//! the whole, or that much of the difference is not explained, and of what the rest is likely made.

use dyno_units::show;

use crate::explanation::Explanation;
use crate::explanation::blocks::Explained;
use crate::limits::UNEXPLAINED_SHARE;

impl Explanation {
    /// The share of the difference that all reasons together add; above 1 they are larger than the whole.
    pub fn explained_share(&self) -> f64 {
        1.0 - self.unexplained_ns() / self.difference_ns()
    }

    /// The share of the difference that the largest reason adds.
    pub fn largest_share(&self) -> f64 {
        let difference = self.difference_ns();
        self.reasons.iter().map(|reason| reason.adds_ns() / difference).fold(0.0, f64::max)
    }
}

impl Explained {
    /// Whether the difference is not told apart from noise.
    pub fn is_noise(&self) -> bool {
        self.difference_ns.is_some_and(|[low, high]| low < 0.0 && high > 0.0)
    }

    /// Whether the reasons explain the difference: it is one, and no more is left of it than the limit.
    pub fn is_explained(&self) -> bool {
        !self.is_noise() && self.explanation.unexplained_share() <= UNEXPLAINED_SHARE
    }

    /// What has to be said first; `None` when the reasons explain the difference.
    pub fn verdict(&self, names: [&str; 2]) -> Option<String> {
        if let Some([low, high]) = self.difference_ns.filter(|_| self.is_noise()) {
            return Some(format!(
                "The difference itself is not told apart from noise: 90 % of resamples give {} to {}. Reasons may be larger \
                 than it, so no shares of it are told.",
                show::time(low),
                show::time(high)
            ));
        }
        let mut said = Vec::new();
        said.extend(self.parts_larger_than_whole());
        if self.explanation.unexplained_share() > UNEXPLAINED_SHARE {
            said.push(self.large_rest(names));
        }
        (!said.is_empty()).then(|| said.join("\n"))
    }

    /// That one reason, or all together, are larger than the difference that they explain.
    fn parts_larger_than_whole(&self) -> Option<String> {
        let explanation = &self.explanation;
        let (all, largest) = (explanation.explained_share(), explanation.largest_share());
        if all > 1.0 {
            let sum = explanation.difference_ns() - explanation.unexplained_ns();
            return Some(format!(
                "The reasons together are larger than the difference: they add up to {}, {} of it. At least one of them \
                 is counted or priced too high.",
                show::time(sum.abs()),
                show::share(all)
            ));
        }
        (largest > 1.0).then(|| {
            format!(
                "One reason alone is larger than the difference, {} of it; others make up for a part of that.",
                show::share(largest)
            )
        })
    }

    /// That the rest is large, and of what it is likely made.
    fn large_rest(&self, names: [&str; 2]) -> String {
        let explanation = &self.explanation;
        let mut words = format!(
            "This does not explain it here: {} of the difference is left, more than {}.",
            show::share(explanation.unexplained_share()),
            show::share(UNEXPLAINED_SHARE)
        );
        if let Some([low, high]) = self.unexplained_share {
            words += &format!(" 90 % of resamples give {} to {}", show::share(low), show::share(high));
            let may_be_noise = low <= UNEXPLAINED_SHARE;
            words += if may_be_noise {
                ": noise alone may make so much, and more blocks narrow that."
            } else {
                "."
            };
        }
        if !explanation.not_available.is_empty() {
            words += &format!(" Not counted, so not explained: {}.", explanation.not_available.join(", "));
        }
        // A reason that is priced too high leaves a rest as well, and it is no work that the servers do.
        if explanation.explained_share() > 1.0 {
            return words;
        }
        if let Some([one, other]) = explanation.outside_kernel_ns {
            let share = (one - other) / explanation.difference_ns();
            let place = if share > 0.5 { "their own code and its caches" } else { "the kernel" };
            words += &format!(
                " The rest is likely work in {place}: outside the kernel a request takes {} with {} and {} with {}.",
                show::time(one),
                names[0],
                show::time(other),
                names[1]
            );
        } else {
            words += " The system does not tell whether the rest is work in the kernel or outside it.";
        }
        words
    }
}

#[cfg(test)]
mod tests;
