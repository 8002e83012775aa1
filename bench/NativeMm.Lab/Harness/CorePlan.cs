using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Lab.Harness;

/// <summary>Which core a measuring thread runs on: first one hardware thread of every core, then their siblings, then from the start again.</summary>
internal static class CorePlan
{
    private static readonly Lazy<IReadOnlyList<CoreId>> s_order = new(() =>
    {
        MachineTopology machine = MachineTopology.Read();
        return Order(machine.CoresAllowed, machine.Caches);
    });

    /// <summary>Number of processors that the process may use.</summary>
    public static int Cores => Math.Max(1, s_order.Value.Count);

    /// <summary>The core of the first measuring thread, or −1 when the system does not tell.</summary>
    public static int First => s_order.Value.Count > 0 ? s_order.Value[0].Value : -1;

    /// <summary>Pins the calling thread. Where the system refuses, the thread stays free: a measurement without pins is still one.</summary>
    /// <param name="index">The thread's number among the measuring threads.</param>
    public static void PinCurrentThread(int index)
    {
        if (s_order.Value.Count > 0)
        {
            _ = ThreadAffinity.Set(CoreSet.Of(s_order.Value[index % s_order.Value.Count]));
        }
    }

    /// <summary>Orders processors so that neighbours in the list share as little as possible.</summary>
    internal static IReadOnlyList<CoreId> Order(CoreSet allowed, IReadOnlyList<ProcessorCache> caches)
    {
        IEnumerable<CoreSet> siblings = caches.Where(c => c.Level == 1 && c.Kind != CacheKind.Instruction).Select(c => c.SharedBy);
        return [.. allowed.ToList().OrderBy(core => RankAmongSiblings(core, siblings)).ThenBy(core => core.Value)];
    }

    private static int RankAmongSiblings(CoreId core, IEnumerable<CoreSet> siblings) =>
        siblings.FirstOrDefault(s => s.Contains(core))?.ToList().Count(other => other.Value < core.Value) ?? 0;
}
