using System.Globalization;
using System.Text;
using NativeMm.Diagnostics;

namespace NativeMm.Heap.Checked;

/// <summary>
/// The blocks of a checked heap that are allocated at one moment, grouped by the place that allocated them: when the heap is disposed, when the process
/// ends, or when <see cref="NativeHeap.GetLeakReport"/> was called.
/// </summary>
public sealed class LeakReport
{
    private const int SitesShown = 20;

    private readonly LeakMoment _moment;

    internal LeakReport(string heapName, LeakMoment moment, IReadOnlyList<LeakSite> sites)
    {
        HeapName = heapName;
        _moment = moment;
        Sites = sites;
        foreach (LeakSite site in sites)
        {
            Blocks += site.Blocks;
            Bytes += site.Bytes;
        }
    }

    /// <summary>The heap.</summary>
    public string HeapName { get; }

    /// <summary>Number of the blocks.</summary>
    public long Blocks { get; }

    /// <summary>Bytes in them, as they were asked for.</summary>
    public ulong Bytes { get; }

    /// <summary>The groups, most bytes first.</summary>
    public IReadOnlyList<LeakSite> Sites { get; }

    private string Beginning => _moment switch
    {
        LeakMoment.Dispose => $"heap '{HeapName}' was disposed with",
        LeakMoment.ProcessExit => $"the process ends, and heap '{HeapName}' has",
        _ => $"heap '{HeapName}' has",
    };

    /// <summary>The report as text: each of the largest groups with its stack, where it has one.</summary>
    /// <returns>Several lines.</returns>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"NativeMm: {Beginning} {CountText.Of(Blocks, "block")} ({CountText.Of(Bytes, "byte")}) still allocated.");
        foreach (LeakSite site in Sites.Take(SitesShown))
        {
            text.AppendLine();
            text.Append(CultureInfo.InvariantCulture, $"  {CountText.Of(site.Blocks, "block")}, {CountText.Of(site.Bytes, "byte")}, ");
            if (site.Stack is null)
            {
                text.Append(CultureInfo.InvariantCulture, $"{(site.Blocks == 1 ? string.Empty : $"each {CountText.Of(site.Bytes / (ulong)site.Blocks, "byte")}, ")}stack not sampled");
            }
            else
            {
                text.AppendLine("allocated");
                text.Append(site.Stack);
            }
        }

        if (Sites.Count > SitesShown)
        {
            text.AppendLine();
            text.Append(CultureInfo.InvariantCulture, $"  and {CountText.Of(Sites.Count - SitesShown, "more place")}");
        }

        return text.ToString();
    }
}
