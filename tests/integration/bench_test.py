#!/usr/bin/env python3
"""The benchmark's own machinery: its arithmetic, and one tiny run against a real fleet."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("LOOM", ROOT / "build" / "release" / "loom")).parent
PATIENCE = 300
sys.path.insert(0, str(ROOT / "bench" / "suite"))
import goals  # noqa: E402
import pairs  # noqa: E402
import report  # noqa: E402
import sides  # noqa: E402
from processes import MeasurementError  # noqa: E402


class PairsTest(unittest.TestCase):
    def test_sides_take_turns(self):
        self.assertEqual(pairs.alternate(2, 3), [0, 1, 0, 1, 0, 1])
        self.assertEqual(pairs.alternate(3, 1), [0, 1, 2])

    def test_the_ratio_is_that_of_each_pair_and_its_median_counts(self):
        # The machine slowed down to a third; the pairs did not notice.
        rounds = [[{"cpu_us": 90}, {"cpu_us": 100}], [{"cpu_us": 270}, {"cpu_us": 300}], [{"cpu_us": 330}, {"cpu_us": 300}]]
        found = pairs.summary([pairs.ratio("cpu_us")(each) for each in rounds])
        self.assertAlmostEqual(found.median, 0.9)
        self.assertEqual((found.least, found.most, found.rounds), (0.9, 1.1, 3))

    def test_an_even_number_of_rounds_has_a_median_too(self):
        self.assertEqual(pairs.summary([1, 2, 4, 9]).median, 3)

    def test_values_of_a_round(self):
        sides_ = [{"a": 8.0}, {"a": 2.0}, {"a": 4.0}]
        self.assertEqual(pairs.figure("a", 0.5, side=2)(sides_), 2)
        self.assertEqual(pairs.difference("a")(sides_), 6)
        self.assertEqual(pairs.over_best("a")(sides_), 4)
        self.assertEqual(pairs.ratio("a", side=1, by=2)(sides_), 0.5)

    def test_a_bound_is_met_at_itself(self):
        self.assertTrue(pairs.met(0.95, 0.95))
        self.assertFalse(pairs.met(0.951, 0.95))
        self.assertTrue(pairs.met(1e6, 1e6, at_least=True))
        self.assertFalse(pairs.met(9e5, 1e6, at_least=True))


class GoalsTest(unittest.TestCase):
    def test_every_goal_is_held_against_a_bound_in_both_forms(self):
        for scale in (goals.Scale(full=True, rounds=5), goals.Scale()):
            bounded = {row.goal for each in goals.experiments(scale) for row in each.rows if row.goal and row.bound is not None}
            self.assertEqual(bounded, set(goals.goal_names()))

    def test_a_comparison_is_at_equal_numbers_of_nodes(self):
        for each in goals.experiments(goals.Scale(full=True)):
            if each.name.startswith("faults"):
                continue  # all nodes against the healthy ones alone
            counts = {side.count for side in each.sides if hasattr(side, "count")}
            self.assertLessEqual(len(counts), 1, each.name)

    def test_only_the_sizes_of_the_goals_own_definitions_count(self):
        short = {each.name: each for each in goals.experiments(goals.Scale())}
        self.assertTrue(goals.own_size(short["cold"]))
        self.assertFalse(goals.own_size(short["held"]))
        trial = goals.experiments(goals.Scale(nodes_most=20))
        self.assertEqual([each.name for each in trial if goals.own_size(each)], ["one node", "output"])

    def test_figures_of_a_failed_run_are_refused(self):
        side, counters = sides.Loom("fan_out", 20), {"authenticated": 20, "execs": 20, "faults": 0}
        side.check({"ok": 20}, counters)
        for figures, counted in (({"ok": 19, "failed": 1}, counters), ({"ok": 20}, counters | {"execs": 19}),
                                 ({"not_ok": 1}, counters), ({"ok": 20}, counters | {"authenticated": 21})):
            with self.assertRaises(MeasurementError):
                side.check(figures, counted)
        with self.assertRaises(MeasurementError):
            sides.Floor("held", 20).check({"not_ok": 0, "ended_early": 3},
                                          {"authenticated": 20, "execs": 20, "faults": 0, "open_most": 20})

    def test_numbers_have_as_few_digits_as_tell_them(self):
        self.assertEqual([report.number(value) for value in (0.95, 1 / 60, 28.123, 12345.6, 0.0, 1e6)],
                         ["0.95", "0.0167", "28.1", "12346", "0", "1000000"])


class RunTest(unittest.TestCase):
    def measure(self, results, only):
        arguments = ["--only", only, "--nodes", "20", "--pairs", "1", "--build", str(BUILD), "--results", results]
        done = subprocess.run([sys.executable, "-B", str(ROOT / "bench" / "suite"), *arguments], capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        table = pathlib.Path(done.stdout.strip())
        return json.loads(table.with_suffix(".json").read_text(encoding="utf-8")), table.read_text(encoding="utf-8")

    def test_what_is_measured_anew_takes_its_own_place_in_the_days_result(self):
        with tempfile.TemporaryDirectory(prefix="loom-bench-") as results:
            before, _ = self.measure(results, "P1,P12")
            after, text = self.measure(results, "P12")
        names = ["cold", "faults"]
        self.assertEqual([each["name"] for each in before["experiments"]], names)
        self.assertEqual([each["name"] for each in after["experiments"]], names)
        self.assertEqual(before["experiments"][0], after["experiments"][0])
        self.assertNotEqual(before["experiments"][1]["rounds"], after["experiments"][1]["rounds"])
        self.assertEqual(text.count("| P12 |"), 3)

    def test_a_tiny_run_writes_its_data_and_its_table(self):
        with tempfile.TemporaryDirectory(prefix="loom-bench-") as results:
            document, text = self.measure(results, "P1,P12")
        cold, faults = document["experiments"]
        self.assertEqual([len(round_) for round_ in cold["rounds"]], [2])
        loom, floor = cold["rounds"][0]
        self.assertEqual((loom["ok"], floor["operations"]), (20, 20))
        self.assertEqual(cold["rows"][0]["values"], [loom["cpu_us"] / floor["cpu_us"]])
        self.assertGreater(loom["fleet_cpu_us"], 0)
        # The simulator's own count of faults agreed with what these were computed to be, else there were no rounds.
        self.assertEqual(sum(faults["rounds"][0][0]["expected_verdicts"].values()), 20)
        self.assertIn("| P1 | cold, N = 20, 64 at once: CPU / FLOOR | ≤ 0.95 |", text)
        self.assertIn("at this size", text)
        self.assertIn("A trial with at most 20 nodes", text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
