"""The tables of the benchmark: every run, curves, a summary per instance, per family, and growth with the horizon.

Tidy tables: a row per observation, a column per variable. What is compared stands sorted by regret.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from curriculum_bandits.extras import require_extra

from ..harness.tables import markdown_table
from .collect import NOTIONS, Group, mean_interval
from .growth import fit_exponent

__all__ = ["Tables", "summary_page"]

Row = dict[str, Any]


class Tables:
    """Rows gathered instance by instance, and the tables made of them."""

    def __init__(self) -> None:
        self._pandas = require_extra("pandas", "benchmarks")
        self._runs: list[Any] = []
        self._curves: list[Any] = []
        self._summary: list[Row] = []

    def add(self, group: Group) -> None:
        """Take in one instance.

        Args:
            group: The instance and all policies on it.
        """
        frame, instance = self._pandas.DataFrame, group.instance
        place: Row = {"instance": instance.label, "horizon": instance.horizon}
        rows = []
        for played in group.played:
            policy = {"policy": played.choice.label, "knows": played.choice.knows}
            self._runs.append(
                frame(
                    {
                        **place,
                        **policy,
                        "seed": played.seed,
                        "run": played.run,
                        "dynamic_regret": played.dynamic[:, -1],
                        "external_regret": played.external[:, -1],
                    }
                )
            )
            for notion in NOTIONS:
                mean, deviation, lower, upper = mean_interval(played.regret(notion))
                columns = {"mean": mean, "sd": deviation, "lower": lower, "upper": upper}
                curve = {"policy": policy["policy"], "notion": notion, "round": played.rounds}
                self._curves.append(frame({**place, **curve, **columns}))
            rows.append({**place, "family": instance.family, **policy, **_summary(group, played)})
        self._summary += sorted(rows, key=lambda row: row["dynamic_regret"])

    def runs(self) -> Any:
        """One row per run: both regrets after the last round."""
        return self._pandas.concat(self._runs, ignore_index=True)

    def curves(self) -> Any:
        """One row per instance, policy, notion and round: mean over runs, standard deviation, 95 % interval."""
        return self._pandas.concat(self._curves, ignore_index=True)

    def summary(self) -> Any:
        """One row per instance and policy, those of one instance sorted by dynamic regret."""
        return self._pandas.DataFrame(self._summary)

    def families(self) -> Any:
        """One row per family, horizon and policy: means over instances, and how often each policy was the best.

        Intervals are over instances, each counting as one observation. Policies that know the means do not compete
        for the least regret.
        """
        summary = self.summary()
        rows: list[Row] = []
        members = summary[summary["family"].notna()]
        for (family, horizon), of_family in members.groupby(["family", "horizon"], sort=False):
            regret = of_family.pivot(index="instance", columns="policy", values="dynamic_regret")
            score = of_family.pivot(index="instance", columns="policy", values="score")
            knows = of_family.drop_duplicates("policy").set_index("policy")["knows"]
            competing = regret[[policy for policy in regret.columns if knows[policy] != "means"]]
            least = competing.eq(competing.min(axis=1), axis=0)
            least_share = least.div(least.sum(axis=1), axis=0).mean()  # a tie is shared out
            some = []
            for policy in regret.columns:
                mean, _, lower, upper = mean_interval(regret[policy])
                score_mean, _, score_lower, score_upper = mean_interval(score[policy].dropna())
                some.append(
                    {
                        "family": family,
                        "horizon": horizon,
                        "policy": policy,
                        "knows": knows[policy],
                        "instances": len(regret),
                        "dynamic_regret": float(mean),
                        "lower": float(lower),
                        "upper": float(upper),
                        "score": float(score_mean),
                        "score_lower": float(score_lower),
                        "score_upper": float(score_upper),
                        "least_share": float(least_share.get(policy, np.nan)),
                    }
                )
            rows += sorted(some, key=lambda row: row["dynamic_regret"])
        return self._pandas.DataFrame(rows)

    def growth_observations(self) -> Any:
        """What growth is fitted to: a row per run, or per instance where instances belong to a family.

        The column ``subject`` is the instance or the family.
        """
        runs, summary = self.runs(), self.summary()
        family = summary.drop_duplicates("instance").set_index("instance")["family"]
        of_run = runs["instance"].map(family)
        runs = runs.assign(subject=of_run.where(of_run.notna(), runs["instance"]))
        columns = ["subject", "horizon", "policy", "dynamic_regret", "external_regret"]
        by_instance = runs[of_run.notna()].groupby(["subject", "horizon", "policy", "instance"], sort=False)
        means = by_instance[columns[3:]].mean().reset_index()
        return self._pandas.concat([runs.loc[of_run.isna(), columns], means[columns]], ignore_index=True)

    def growth(self) -> Any:
        """One row per instance or family, policy and notion with more than one horizon: the fitted exponent.

        The bootstrap is over runs, for a family over its instances.
        """
        rows: list[Row] = []
        for (subject, policy), some in self.growth_observations().groupby(["subject", "policy"], sort=False):
            if some["horizon"].nunique() < 2:
                continue
            for notion in NOTIONS:
                by_horizon = {int(h): values.to_numpy() for h, values in some.groupby("horizon")[f"{notion}_regret"]}
                fit = fit_exponent(list(by_horizon), list(by_horizon.values()))
                rows.append(
                    {
                        "instance": subject,
                        "policy": policy,
                        "notion": notion,
                        "exponent": np.nan if fit is None else fit.exponent,
                        "lower": np.nan if fit is None else fit.lower,
                        "upper": np.nan if fit is None else fit.upper,
                        "factor": np.nan if fit is None else fit.factor,
                        "horizons": " ".join(str(horizon) for horizon in by_horizon),
                        "observations": min(len(values) for values in by_horizon.values()),
                    }
                )
        return self._pandas.DataFrame(rows)


def summary_page(tables: Tables) -> str:
    """The summary as a Markdown page.

    Args:
        tables: All rows.

    Returns:
        The page: families first, then every instance that belongs to none.
    """
    lines = ["# Regret", ""]
    families, summary, growth = tables.families(), tables.summary(), tables.growth()
    if len(families):
        for (family, horizon), some in families.groupby(["family", "horizon"], sort=False):
            lines += [f"## {family}, {horizon:,} rounds, {some['instances'].iloc[0]} instances", ""]
            lines += [markdown_table(_FAMILY_COLUMNS, some.itertuples()), ""]
    single = summary[summary["family"].isna()]
    for (instance, horizon), some in single.groupby(["instance", "horizon"], sort=False):
        lines += [f"## {instance}, {horizon:,} rounds, {some['runs'].iloc[0]} runs", ""]
        lines += [markdown_table(_COLUMNS, some.itertuples()), ""]
    if len(growth):
        lines += ["## Growth with the horizon", "", markdown_table(_GROWTH_COLUMNS, growth.itertuples()), ""]
    lines += [
        "Dynamic regret is against the best arm of each round, external against the best fixed one; both in means. "
        "Score: 0 is the oracle, 1 uniform play. A bound is divided into the regret of its own notion.",
        "",
    ]
    return "\n".join(lines)


def _summary(group: Group, played: Any) -> Row:
    mean, deviation, lower, upper = (float(x) for x in mean_interval(played.dynamic[:, -1]))
    external, _, external_lower, external_upper = (float(x) for x in mean_interval(played.external[:, -1]))
    bound = played.bound
    measured = external if bound is not None and bound.notion == "external" else mean
    uniform = group.uniform_regret
    tells = (
        uniform > 1e-9 * group.instance.horizon
    )  # where uniform play is as good as any, nothing tells policies apart
    return {
        "runs": len(played.run),
        "dynamic_regret": mean,
        "lower": lower,
        "upper": upper,
        "sd": deviation,
        "external_regret": external,
        "external_lower": external_lower,
        "external_upper": external_upper,
        "score": mean / uniform if tells else np.nan,
        "bound": np.nan if bound is None else bound.value,
        "bound_notion": "" if bound is None else bound.notion,
        "bound_ratio": np.nan if bound is None or bound.value == 0.0 else measured / bound.value,
        "rounds_per_second": played.rounds_per_second,
    }


def _number(value: float, digits: int = 1) -> str:
    return "" if np.isnan(value) else f"{value:.{digits}f}"


def _interval(mean: float, lower: float, upper: float, digits: int = 1) -> str:
    if np.isnan(mean):
        return ""
    return _number(mean, digits) + ("" if np.isnan(lower) else f" [{lower:.{digits}f}, {upper:.{digits}f}]")


def _exponent(row: Any) -> str:
    none = " [no interval]" if np.isnan(row.lower) and not np.isnan(row.exponent) else ""
    return _interval(row.exponent, row.lower, row.upper, 3) + none


_Columns = dict[str, Callable[[Any], str]]

_FAMILY_COLUMNS: _Columns = {
    "policy": lambda row: row.policy,
    "knows": lambda row: row.knows,
    "dynamic regret (95 % over instances)": lambda row: _interval(row.dynamic_regret, row.lower, row.upper),
    "score (95 %)": lambda row: _interval(row.score, row.score_lower, row.score_upper, digits=3),
    "least on": lambda row: "" if np.isnan(row.least_share) else f"{row.least_share:.0%}",
}
_COLUMNS: _Columns = {
    "policy": lambda row: row.policy,
    "knows": lambda row: row.knows,
    "dynamic regret (95 %)": lambda row: _interval(row.dynamic_regret, row.lower, row.upper),
    "sd": lambda row: _number(row.sd),
    "external": lambda row: _number(row.external_regret),
    "score": lambda row: _number(row.score, 3),
    "bound": lambda row: "" if np.isnan(row.bound) else f"{row.bound:.0f} ({row.bound_notion})",
    "regret / bound": lambda row: _number(row.bound_ratio, 3),
    "rounds/s": lambda row: f"{row.rounds_per_second:,.0f}",
}
_GROWTH_COLUMNS: _Columns = {
    "instance": lambda row: row.instance,
    "policy": lambda row: row.policy,
    "notion": lambda row: row.notion,
    "exponent (95 %)": lambda row: _exponent(row),
    "horizons": lambda row: row.horizons,
}
