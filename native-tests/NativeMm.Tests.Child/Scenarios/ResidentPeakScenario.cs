using NativeMm.Platform;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// Touches memory and gives it back, and prints in bytes: resident before, while held and after; the peak; the peak after a reset. Argument: bytes.
/// </summary>
internal static class ResidentPeakScenario
{
    public static int Run(string[] arguments)
    {
        nuint bytes = nuint.Parse(arguments[0], System.Globalization.CultureInfo.InvariantCulture);
        IMemoryPlatform platform = SystemPlatform.Current;
        bool worked = ProcessMemory.ReadUsage(out ProcessMemoryUsage before).Succeeded
            && platform.Reserve(bytes, platform.PageBytes, out nuint address).Succeeded
            && platform.Commit(address, bytes).Succeeded
            && ProcessMemory.ReadUsage(out ProcessMemoryUsage held).Succeeded
            && ProcessMemory.ReadRollup(out ProcessMemoryRollup rollup).Succeeded
            && platform.Discard(address, bytes, DiscardMode.Now).Succeeded
            && ProcessMemory.ReadUsage(out ProcessMemoryUsage after).Succeeded
            && ProcessMemory.ResetPeak().Succeeded
            && ProcessMemory.ReadUsage(out ProcessMemoryUsage reset).Succeeded
            && Print(before.Resident, held.Resident, rollup.Resident, after.Resident, after.ResidentPeak, reset.ResidentPeak);
        return worked ? 0 : 3;
    }

    private static bool Print(params ReadOnlySpan<ulong> values)
    {
        Console.Out.WriteLine(string.Join(' ', values.ToArray()));
        return true;
    }
}
