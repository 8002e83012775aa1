using NativeMm.Tests.Standalone;

return StandaloneRun.Run(args);
