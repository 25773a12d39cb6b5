"""Fakes of every port, for the tests of Pilotage and of those who build on it."""
