using NativeMm.Explorer.Running;

// Searches all executions of the library's lock-free structures under a weak memory model; docs/proof.md says what that proves.
return args.Contains(WorkerProcess.Argument) ? Worker.Run() : new Tour(Arguments.Parse(args)).Run();
