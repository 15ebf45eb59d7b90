# SPDX-License-Identifier: GPL-2.0
"""Live attacks on learned servers: are they noticed, and is the damage prevented?

Each attack is made twice. While KIS only observes its damage has to happen, or the harness is broken; then it is made
again while KIS enforces, and what counts is whether the damage happens and the server goes on.
"""

import fnmatch

from bench.attacks import KINDS
from bench.load import ppm
from bench.patience import Broken
from bench.report import line, say
from bench.trainer import Trainer
from bench.trial import Trial
from bench.world import World


def chosen(patterns):
    """The attacks whose names fit."""
    kinds = [kind for kind in KINDS if any(fnmatch.fnmatch(kind.name, pattern) for pattern in patterns)]
    if not kinds:
        raise Broken(f"there is no attack {' '.join(patterns)}: there are {' '.join(kind.name for kind in KINDS)}")
    return kinds


class Abuse:
    """The benchmark."""

    def __init__(self, minutes, attacks, trained, servers):
        self.minutes = minutes
        self.trained = trained
        self.kinds = [kind for kind in chosen(attacks) if not servers or set(kind.servers) <= set(servers)]
        self.world = World(sorted({name for kind in self.kinds for name in kind.servers}))
        self.controls = {}
        self.broken = []
        self.counts = dict.fromkeys(("scenarios", "danger_one", "danger_two", "prevented", "down"), 0)

    def run(self):
        """Learning, control, and the real thing; gives the exit status."""
        world = self.world
        world.prepare()
        trainer = Trainer(world, self.minutes * 60) if self.trained else None
        world.learn(
            round(self.minutes * 60), self.trained if self.trained == "hard" else "soft", factors=(1.0, 0.4, 2.0),
            is_thorough=True, meanwhile=trainer.step if trainer else None,
        )
        if trainer:
            say(f"an intruder was there in {trainer.windows} of {round(self.minutes * 60)} windows")
        world.set_factor(1.0)
        for kind in self.kinds:
            self.control(kind)
        if world.officer.is_loaded:
            self.enforce()
        world.stop()
        return 1 if self.broken else 0

    def control(self, kind):
        """The attack while KIS observes."""
        trial = Trial(self.world, kind)
        trial.play()
        self.controls[kind.name] = (trial.damaged, trial.one, trial.two)
        if not trial.damaged:
            self.broken.append(kind.name)
        say(f"control {kind.name}: {'damage' if trial.damaged else 'NO DAMAGE'} ({trial.ended}), "
            f"danger one {trial.one} ms, two {trial.two} ms")
        if not self.world.officer.is_loaded:
            line(attack=kind.name, control=bool(trial.damaged), ended=trial.ended)

    def enforce(self):
        """All attacks again."""
        world = self.world
        for load in world.loads.values():
            load.forget()
        for kind in self.kinds:
            # A server that had to be started anew has left the mode behind.
            world.officer.enforce()
            Trial(world, kind).play(lambda trial, kind=kind: self.count(kind, trial))
        self.total()

    def count(self, kind, trial):
        """One attack, as a line and in the sums."""
        control, observed_one, observed_two = self.controls[kind.name]
        is_prevented = bool(control) and trial.damaged is False and trial.is_up
        line(
            attack=kind.name, control=bool(control), damaged=trial.damaged, prevented=is_prevented, up=trial.is_up,
            danger_one=trial.is_quick, danger_two=trial.two is not None, one_ms=trial.one, two_ms=trial.two,
            observed_one_ms=observed_one, observed_two_ms=observed_two, was_calm=trial.was_calm, ended=trial.ended,
            reasons=trial.reasons(), vetoes=trial.vetoes(), **({"what_would_help": kind.help} if kind.help else {}),
        )
        if kind.help or kind.name in self.broken:
            return
        self.counts["scenarios"] += 1
        self.counts["danger_one"] += trial.is_quick
        self.counts["danger_two"] += trial.two is not None
        self.counts["prevented"] += is_prevented
        self.counts["down"] += not trial.is_up

    def total(self):
        """The last line."""
        figures = [load.figures() for load in self.world.loads.values()]
        requests = sum(figure["requests"] for figure in figures)
        failed = sum(figure["failed"] for figure in figures)
        for load, figure in zip(self.world.loads.values(), figures):
            line(server=load.server.name, **figure)
        result = dict(self.counts)
        if self.trained:
            result[f"prevented_trained_{self.trained}"] = result.pop("prevented")
        line(
            bench="abuse", trained=self.trained or "no", learned_minutes=self.minutes, **result, requests=requests,
            benign_failed_ppm=ppm(failed, requests), not_tellable=sum(bool(kind.help) for kind in self.kinds),
            broken_controls=self.broken, lost_records=self.world.officer.lost(),
        )
