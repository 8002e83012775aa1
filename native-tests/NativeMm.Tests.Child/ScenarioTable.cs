using System.Diagnostics.CodeAnalysis;
using NativeMm.Tests.Child.Scenarios;

namespace NativeMm.Tests.Child;

/// <summary>All scenarios by name. A scenario gets its arguments and gives the exit code.</summary>
internal static class ScenarioTable
{
    private static readonly Dictionary<string, Func<string[], int>> s_scenarios = new(StringComparer.Ordinal)
    {
        ["echo"] = EchoScenario.Run,
        ["protect"] = ProtectScenario.Run,
        ["lock-code"] = LockCodeScenario.Run,
        ["resident-peak"] = ResidentPeakScenario.Run,
        ["heap-code"] = HeapCodeScenario.Run,
        ["access-code"] = AccessCodeScenario.Run,
        ["heap-environment"] = HeapEnvironmentScenario.Run,
        ["load-context"] = LoadContextScenario.Run,
        ["environment-options"] = EnvironmentOptionsScenario.Run,
        ["leaks-at-exit"] = LeaksAtExitScenario.Run,
        ["heap-configure"] = HeapConfigureScenario.Run,
        ["thread-exit"] = ThreadExitScenario.Run,
        ["heap-threads"] = HeapThreadsScenario.Run,
        ["managed-memory-full"] = ManagedMemoryFullScenario.Run,
        ["idle-process"] = IdleProcessScenario.Run,
        ["meter-listener"] = MeterListenerScenario.Run,
        ["vmap-mappings"] = VmapMappingsScenario.Run,
        ["vmap-touch"] = VmapTouchScenario.Run,
        ["limits"] = LimitsScenario.Run,
        ["private-runtime"] = PrivateRuntimeScenario.Run,
        ["heap-give-back"] = HeapGiveBackScenario.Run,
        ["reporting-lazy-free"] = ReportingLazyFreeScenario.Run,
        ["reporting-system-call"] = ReportingSystemCallScenario.Run,
        ["sampled-fault"] = SampledFaultScenario.Run,
        ["end-guests"] = EndGuestsScenario.Run,
        ["no-threads"] = NoThreadsScenario.Run,
        ["end-limits"] = EndLimitsScenario.Run,
        ["cache-resident"] = CacheResidentScenario.Run,
        ["assertion"] = AssertionScenario.Run,
        ["process-room"] = ProcessRoomScenario.Run,
    };

    /// <summary>The names, sorted.</summary>
    public static IEnumerable<string> Names => s_scenarios.Keys.Order(StringComparer.Ordinal);

    /// <summary>Finds a scenario.</summary>
    public static bool TryFind(string name, [NotNullWhen(true)] out Func<string[], int>? scenario) => s_scenarios.TryGetValue(name, out scenario);
}
