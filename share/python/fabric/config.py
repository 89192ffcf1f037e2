"""The settings of a connection: Invoke's, and what Fabric adds to them."""
import invoke.config


class Config(invoke.config.Config):
    @staticmethod
    def global_defaults():
        return invoke.config.merged(invoke.config.DEFAULTS, {
            "connect_kwargs": {}, "forward_agent": False, "gateway": None, "inline_ssh_env": True,
            "load_ssh_configs": False, "port": 22, "run": {"replace_env": True}, "ssh_config_path": None,
            "tasks": {"collection_name": "fabfile"}, "timeouts": {"connect": None}, "user": None})
