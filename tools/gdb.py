"""gdb scripts for Ochre: loaded by `make gdb`, or by `source tools/gdb.py`.

    tasks [bt]                  all tasks; with bt, their stacks
    dmesg                       the kernel's log
    percpu VAR [CPU]            a per-CPU variable
    pagewalk ADDRESS [PGD]      the page-table entries of an address (PGD: virtual address of a top-level table)
    list-of TYPE MEMBER HEAD    what hangs on a list head: list-of "struct task" thread_node &p->threads
    slabs                       caches and their slabs
"""
import gdb

PHYS_OFFSET = 0xFFFF888000000000
PTE_ADDRESS = 0x000FFFFFFFFFF000
PTE_BITS = ((0, "P"), (1, "W"), (2, "U"), (5, "A"), (6, "D"), (7, "PS"), (8, "G"), (63, "NX"))
STACK_SIZE = 16384
SWITCH_RBP, SWITCH_RIP = 4, 6  # words above the saved stack pointer: arch/x86_64/unwind.c


def u64_at(address):
    return int.from_bytes(gdb.selected_inferior().read_memory(address, 8).tobytes(), "little")


def container(address, type_name, member):
    """The object of the named type whose member is at the address."""
    pointer = gdb.lookup_type(type_name).pointer()
    offset = int(gdb.Value(0).cast(pointer)[member].address)
    return gdb.Value(address - offset).cast(pointer)


def list_entries(head, type_name, member):
    """What hangs on a struct list_head (a value of that struct)."""
    first = int(head.address)
    node = int(head["next"])
    while node not in (0, first):
        yield container(node, type_name, member)
        node = u64_at(node)


def symbol(address):
    block = gdb.execute("info symbol %#x" % address, to_string=True).strip()
    return "?" if block.startswith("No symbol") else block.split(" in section")[0]


def per_cpu(name, cpu):
    variable = gdb.parse_and_eval(name)
    offset = int(gdb.parse_and_eval("per_cpu_offset")[cpu])
    if offset == 0 and cpu > 0:
        return None
    return gdb.Value((int(variable.address) + offset) & (1 << 64) - 1).cast(variable.type.pointer()).dereference()


def tasks():
    for process in list_entries(gdb.parse_and_eval("process_list"), "struct process", "all"):
        for task in list_entries(process["threads"], "struct task", "thread_node"):
            yield task


def stack_of(task):
    """Return addresses of a task that is not running, by its frame pointers."""
    stack = int(task["stack"])
    sp = int(task["arch"]["sp"])
    if not stack <= sp < stack + STACK_SIZE - 64:
        return
    fp, ip = u64_at(sp + 8 * SWITCH_RBP), u64_at(sp + 8 * SWITCH_RIP)
    for _ in range(40):
        yield ip
        if fp & 7 or not stack <= fp < stack + STACK_SIZE - 16:
            return
        fp, ip = u64_at(fp), u64_at(fp + 8)


class Command(gdb.Command):
    """Base: the name, and run(words)."""

    def __init__(self):
        super().__init__(self.name, gdb.COMMAND_DATA, gdb.COMPLETE_SYMBOL)

    def invoke(self, argument, from_tty):
        self.run(gdb.string_to_argv(argument))


class PerCpu(Command):
    """percpu VAR [CPU]: a per-CPU variable on one CPU, or on all that are there."""
    name = "percpu"

    def run(self, words):
        first, last = gdb.parse_and_eval("per_cpu_offset").type.range()
        for cpu in [int(words[1])] if len(words) > 1 else range(first, last + 1):
            value = per_cpu(words[0], cpu)
            if value is not None:
                print("cpu %d: %s" % (cpu, value))


class Tasks(Command):
    """tasks [bt]: all tasks; with bt, the stacks of those that do not run."""
    name = "tasks"

    def run(self, words):
        for task in tasks():
            print("%#x state %#x flags %#x %s" % (int(task), int(task["state"]), int(task["flags"]), task["comm"].string(errors="replace")))
            if "bt" in words:
                for ip in stack_of(task):
                    print("    %016x %s" % (ip, symbol(ip - 1)))


class Dmesg(Command):
    """dmesg: the kernel's log, from its ring."""
    name = "dmesg"

    def run(self, words):
        descs, text = gdb.parse_and_eval("log_descs"), gdb.parse_and_eval("log_text")
        records = descs.type.range()[1] + 1
        size = text.type.range()[1] + 1
        memory = gdb.selected_inferior().read_memory(int(text.address), size).tobytes()
        head = int(gdb.parse_and_eval("log_head"))
        for seq in range(max(0, head - records), head):
            d = descs[seq % records]
            start, length = int(d["pos"]) % size, int(d["len"])
            line = (memory[start:] + memory[:start])[:length]
            ns = int(d["ns"])
            print("[%5d.%06d] %s" % (ns // 10**9, ns // 1000 % 10**6, line.decode(errors="replace")))


class PageWalk(Command):
    """pagewalk ADDRESS [PGD]: the entries of each level, for the kernel's tables or those at PGD."""
    name = "pagewalk"

    def run(self, words):
        address = int(gdb.parse_and_eval(words[0])) & (1 << 64) - 1
        table = int(gdb.parse_and_eval(words[1])) if len(words) > 1 else int(gdb.parse_and_eval("kernel_pgd_paddr")) + PHYS_OFFSET
        for level, shift in (("pgd", 39), ("pud", 30), ("pmd", 21), ("pte", 12)):
            entry = u64_at((table & (1 << 64) - 1) + 8 * (address >> shift & 511))
            print("%s %016x %s" % (level, entry, " ".join(n for bit, n in PTE_BITS if entry >> bit & 1)))
            if not entry & 1 or (entry & 0x80 and level != "pgd") or level == "pte":
                if entry & 1:
                    print("physical %#x" % ((entry & PTE_ADDRESS & -(1 << shift)) | address & (1 << shift) - 1))
                return
            table = PHYS_OFFSET + (entry & PTE_ADDRESS)


class List(Command):
    """list-of TYPE MEMBER HEAD: addresses of the objects on a list head (HEAD: an expression for its address)."""
    name = "list-of"

    def run(self, words):
        for entry in list_entries(gdb.parse_and_eval(words[2]).dereference(), words[0], words[1]):
            print("(%s *) %#x" % (words[0], int(entry)))


class Slabs(Command):
    """slabs: the caches of the slab allocator."""
    name = "slabs"

    def run(self, words):
        for c in list_entries(gdb.parse_and_eval("slab_caches"), "struct kmem_cache", "link_all"):
            print("%-20s size %5d stride %5d slabs %6d order %d" % (c["name"].string(), int(c["object_size"]), int(c["stride"]),
                                                                   int(c["nr_slabs"]), int(c["order"])))


for command in (PerCpu, Tasks, Dmesg, PageWalk, List, Slabs):
    command()
