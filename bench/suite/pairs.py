"""What becomes of repeated runs: pure functions over numbers."""
import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Summary:
    """One value for each round of alternating runs: their median, and the least and the greatest as the spread."""
    median: float
    least: float
    most: float
    rounds: int


def summary(values):
    return Summary(statistics.median(values), min(values), max(values), len(values))


def alternate(sides, rounds):
    """A B A B: the sides' numbers in the order in which they run, so that a drift of the machine meets them all."""
    return [side for _ in range(rounds) for side in range(sides)]


def met(value, bound, at_least=False):
    return value >= bound if at_least else value <= bound


# The value of one round, from the figures of its sides.

def ratio(name, over=None, side=0, by=1):
    """Side 0's figure by side 1's: of the pair, not of medians."""
    return lambda round_: round_[side][name] / round_[by][over or name]


def figure(name, scale=1.0, side=0):
    return lambda round_: round_[side][name] * scale


def difference(name):
    return lambda round_: round_[0][name] - round_[1][name]


def over_best(name, side=0):
    """Side 0's figure by the best of all the others'."""
    return lambda round_: round_[side][name] / min(other[name] for at, other in enumerate(round_) if at != side)
