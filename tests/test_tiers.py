"""The list of durations names tests that exist, or what was slow would be run by `make test` under its new name."""


def test_every_test_in_the_list_of_durations_exists(missing_tests):
    assert missing_tests == [], "renamed or removed; mend their lines in tests/durations.tsv, or run `make durations`"
