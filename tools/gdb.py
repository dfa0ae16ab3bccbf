"""gdb scripts for Ochre: loaded by `make gdb`, or by `source tools/gdb.py`.

    percpu VAR [CPU]
"""
import gdb


class PerCpu(gdb.Command):
    """percpu VAR [CPU]: a per-CPU variable on one CPU, or on all that are there."""

    def __init__(self):
        super().__init__("percpu", gdb.COMMAND_DATA, gdb.COMPLETE_SYMBOL)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        variable = gdb.parse_and_eval(words[0])
        offsets = gdb.parse_and_eval("per_cpu_offset")
        first, last = offsets.type.range()
        cpus = [int(words[1])] if len(words) > 1 else range(first, last + 1)
        char = gdb.lookup_type("char").pointer()
        for cpu in cpus:
            offset = int(offsets[cpu])
            if offset == 0 and cpu > 0:
                continue
            address = (variable.address.cast(char) + offset).cast(variable.type.pointer())
            print("cpu %d: %s" % (cpu, address.dereference()))


PerCpu()
