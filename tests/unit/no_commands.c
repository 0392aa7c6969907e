/* The commands themselves, where only their tables are under test. */
#include "cli/advise_options.h"
#include "cli/agent_options.h"
#include "cli/chase_options.h"
#include "cli/compare_options.h"
#include "cli/domain_options.h"
#include "cli/events_options.h"
#include "cli/generate.h"
#include "cli/inspect_options.h"
#include "cli/list_options.h"
#include "cli/model_options.h"
#include "cli/program_options.h"
#include "cli/report_options.h"
#include "cli/verify_options.h"

#define NO_COMMAND(name)                                                                                     \
    int name(const struct invocation *invocation)                                                            \
    {                                                                                                        \
        (void)invocation;                                                                                    \
        return 0;                                                                                            \
    }

NO_COMMAND(cmd_agent_run)
NO_COMMAND(cmd_chase_run)
NO_COMMAND(cmd_compare_run)
NO_COMMAND(cmd_domain_cancel_run)
NO_COMMAND(cmd_domain_check_run)
NO_COMMAND(cmd_domain_fork_run)
NO_COMMAND(cmd_domain_memory_run)
NO_COMMAND(cmd_domain_list_run)
NO_COMMAND(cmd_domain_migrate_run)
NO_COMMAND(cmd_domain_pause_run)
NO_COMMAND(cmd_domain_receive_run)
NO_COMMAND(cmd_domain_stats_run)
NO_COMMAND(cmd_domain_restore_run)
NO_COMMAND(cmd_domain_resume_run)
NO_COMMAND(cmd_domain_run_run)
NO_COMMAND(cmd_domain_save_run)
NO_COMMAND(cmd_domain_status_run)
NO_COMMAND(cmd_domain_stop_run)
NO_COMMAND(cmd_events_run)
NO_COMMAND(cmd_generate_run)
NO_COMMAND(cmd_inspect_run)
NO_COMMAND(cmd_list_run)
NO_COMMAND(cmd_model_list_run)
NO_COMMAND(cmd_model_show_run)
NO_COMMAND(cmd_model_fit_run)
NO_COMMAND(cmd_model_validate_run)
NO_COMMAND(cmd_model_walk_run)
NO_COMMAND(cmd_report_run)
NO_COMMAND(cmd_verify_run)
NO_COMMAND(cmd_advise_run)
NO_COMMAND(cmd_run_run)
