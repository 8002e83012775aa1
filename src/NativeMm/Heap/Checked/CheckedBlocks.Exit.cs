using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;

namespace NativeMm.Heap.Checked;

internal sealed unsafe partial class CheckedBlocks
{
    private const int ExitCodeOfLeaks = 1;

    /// <summary>
    /// Says at the end of the process what <see cref="Dispose"/> would have said: the first damage that nobody was told of, and what is still allocated.
    /// The heap stays as it is, because threads may use it until the very end. It never throws.
    /// </summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "At the end of the process there is nobody to catch it.")]
    public void ReportAtExit()
    {
        LeakReport? report = null;
        try
        {
            if (FindDamage() is { } damage)
            {
                Console.Error.WriteLine($"NativeMm: the process ends. {damage.Message}");
            }

            report = ReportLive(LeakMoment.ProcessExit);
            if (report.Blocks != 0 && _options.Leaks == LeakPolicy.Throw && Environment.ExitCode == 0)
            {
                Environment.ExitCode = ExitCodeOfLeaks;
            }

            Publish(report);
        }
        catch (Exception failure)
        {
            Complain(failure, report);
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "There is no other place to say it.")]
    private void Complain(Exception failure, LeakReport? report)
    {
        try
        {
            Console.Error.WriteLine($"NativeMm: the process ends, and the report of heap '{Name}' failed: {FailureText.Of(failure)}");
            Console.Error.WriteLine(report);
        }
        catch (Exception)
        {
            // No standard error.
        }
    }
}
