"""The judge beside the field's rules, on streams of our own.

truth.py       what is true in a rollout: traffic, errors, latency, instances, what goes wrong
scenarios.py   the rollouts that are played: healthy ones and regressions
draws.py       random counts and walks, many seconds at once
streams.py     from what is true to counters, second by second
ours.py        a rollout fed to our judge
peers.py       the other rules by name
thresholds.py  rules that look at rates: Argo Rollouts, Flagger, fixed-horizon tests
kayenta.py     Kayenta's judge
sequential.py  published sequential tests, the plain Poisson mixture, and an oracle
bound.py       how much there was to be known: the information of a second
figures.py     what is told of many rollouts, and the gates
pictures.py    the figures drawn as SVG
run.py         the command
"""
