#include "cli/agent_options.h"

#include "cli/common_options.h"

const struct command command_agent = {
    .name = "agent",
    .summary = "measures here for a vcost on another machine",
    .description =
        {
            "Measures natively on this machine, which may be a virtual machine, a container or another "
            "computer, for a vcost chase or vcost events that runs elsewhere and was given --on "
            "'command:CMD', where CMD starts vcost agent here. It answers requests on standard input with "
            "answers on standard output, one at a time, sleeps in between, and ends with its input. It is "
            "not meant to be started by hand.",
            "CMD is run by /bin/sh on the controlling machine and must connect its standard input and "
            "output with the agent's, byte for byte. It cannot ask for a password: use keys with ssh. "
            "Text that comes before the agent's first word, such as the banner of a login, is skipped. "
            "The same version of vcost must be installed in both places.",
            "ssh must not allocate a terminal (no -t, which is what it does by itself with a command), "
            "and docker exec needs -i without -t.",
            "A serial console, as of virsh console, is a terminal, which changes bytes. Log in there, and "
            "put 'stty raw -echo;' before vcost agent; the controlling side then needs a command that "
            "passes bytes on as they are, such as socat with the console's device or socket.",
            "A port of virtio-serial needs no network and no login. Give the machine one that is named vcost "
            "and is a socket on the host (libvirt: a channel of type unix; QEMU: -device virtio-serial "
            "-chardev socket,id=vcost,path=PATH,server=on,wait=off -device "
            "virtserialport,chardev=vcost,name=vcost), leave 'while sleep 1; do vcost agent "
            "<>/dev/virtio-ports/vcost >&0; done' running in it, and CMD is 'socat - UNIX-CONNECT:PATH'. An "
            "agent waits for that, and ends when it is disconnected.",
            "CPUs are counted as this machine counts them. In a virtual machine whose virtual CPUs are "
            "bound to CPUs of the host, give vcost chase there the --cpu that this one is bound to: then "
            "both are measured on the same CPU.",
            "Memory is allocated here, for lists as much as the largest working set. The pages asked for "
            "with --host-page are this machine's own; in a guest nothing is seen of the pages below. An "
            "event that cannot happen here has no figure, and the reason is given.",
        },
    .groups =
        {
            OPTION_GROUP("Where it runs", cpu_option, offsetof(struct agent_options, cpu)),
            HELP_GROUP,
        },
    .examples =
        {
            {"vcost agent",
                "Reached over ssh: vcost chase --on native --on 'command:ssh guest vcost agent' on the host"},
            {"vcost agent --cpu 1",
                "The guest's CPU 1 is bound to the host's CPU 3, and both measure on that one: vcost "
                "chase --cpu 3 --on native --on 'command:ssh guest vcost agent --cpu 1'"},
            {"vcost agent",
                "What an operating system pays in that machine: vcost events --on native --on 'command:ssh "
                "guest vcost agent' on the host"},
            {"vcost agent --cpu 0", "In a container: vcost chase --cpu 0 --on native --on 'command:docker "
                                    "exec -i box vcost agent --cpu 0'"},
        },
    .see_also = {"vcost(1)", "vcost-chase(1)", "vcost-events(1)"},
    .options_bytes = sizeof(struct agent_options),
    .run = cmd_agent_run,
};
