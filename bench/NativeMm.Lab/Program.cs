using NativeMm.Lab.Commands;
using NativeMm.Lab.Harness;

// A child measures and does nothing else: it takes the short way past the command line, which would only add to its memory.
return args is [ChildProcess.Command, string request] ? ChildCommand.Run(request) : LabCommandLine.Run(args);
