"""Names the settings that Django reads in the worker."""
import os


def settings_module(module):
    os.environ["DJANGO_SETTINGS_MODULE"] = module


def project(name):
    settings_module(f"{name}.settings")
