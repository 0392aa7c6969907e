/* What vcost model fit and vcost model validate have in common. */
#ifndef VCOST_CLI_MODEL_SESSION_H
#define VCOST_CLI_MODEL_SESSION_H

#include "cli/inputs.h"
#include "cli/model_options.h"
#include "cli/outputs.h"
#include "experiment/model_fit.h"
#include "report/progress.h"

/* Results, a machine, outputs that are opened before anything takes time. */
struct model_session {
    const struct command *command;
    const struct model_options *options;
    struct inputs inputs;
    struct pool pool;
    struct machine machine;
    struct outputs outputs;
    struct progress_line line;
    struct progress progress;
};

/* Ends what takes long when the user asks for it. */
extern const struct stop model_session_stop;

/* Finds the machine, if one is named, opens the outputs and begins the line of progress. 0, or a negative
 * errno with error filled; model_session_end() is due either way. */
int model_session_begin(struct model_session *session, const struct invocation *invocation,
    const char *machine, struct error *error);

/* A machine called name, fitted on result: of session's pool, as session->machine is, which it began with
 * (--like, or the one that is known to be like the host's). 0, or a negative errno with error filled. */
int model_session_fit(struct model_session *session, struct result *result, const char *name,
    struct model_fit *fit, struct error *error);

/* Frees what session has and what was not written. The exit status: status where rc is 0, else that of error,
 * which is told. */
int model_session_end(struct model_session *session, int rc, int status, const struct error *error);

#endif
