using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Teardown;

/// <summary>The first end in a process is mostly the compiler's work, so smaller ones come before.</summary>
internal static class TeardownWarmup
{
    // An end of the size that workers are asked for takes a tenth of a second, and the compiler is quiet after some two hundred of them.
    private const int EndsQuick = 4;

    /// <summary>Makes ends until the compiler is quiet; a few in the quick form.</summary>
    /// <param name="request">What is measured afterwards.</param>
    /// <param name="end">A small end, by the same methods.</param>
    public static void Run(MeasurementRequest request, Action end)
    {
        if (!request.Quick)
        {
            Warmup.UntilCompilerIsQuiet(end);
            return;
        }

        for (int ends = 0; ends < EndsQuick; ends++)
        {
            end();
        }
    }
}
