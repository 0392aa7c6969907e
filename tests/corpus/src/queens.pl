queens(Q) :- length(Q, N), numlist_(1, N, L), permute(L, Q), safe(Q), !.
queens8(Q) :- length(Q, 8), queens(Q).
numlist_(N, N, [N]) :- !.
numlist_(A, N, [A|T]) :- B is A + 1, numlist_(B, N, T).
permute([], []).
permute(L, [H|T]) :- pick(H, L, R), permute(R, T).
pick(X, [X|T], T).
pick(X, [H|T], [H|R]) :- pick(X, T, R).
safe([]).
safe([Q|R]) :- none(Q, R, 1), safe(R).
none(_, [], _).
none(Q, [H|T], D) :- Q =\= H + D, Q =\= H - D, E is D + 1, none(Q, T, E).
