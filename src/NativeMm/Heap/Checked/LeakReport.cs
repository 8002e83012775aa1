using System.Globalization;
using System.Text;

namespace NativeMm.Heap.Checked;

/// <summary>The blocks that were still allocated when their heap was disposed, grouped by the place that allocated them.</summary>
public sealed class LeakReport
{
    private const int SitesShown = 20;

    internal LeakReport(string heapName, IReadOnlyList<LeakSite> sites)
    {
        HeapName = heapName;
        Sites = sites;
        foreach (LeakSite site in sites)
        {
            Blocks += site.Blocks;
            Bytes += site.Bytes;
        }
    }

    /// <summary>The heap that was disposed.</summary>
    public string HeapName { get; }

    /// <summary>Number of leaked blocks.</summary>
    public long Blocks { get; }

    /// <summary>Bytes in the leaked blocks, as they were asked for.</summary>
    public ulong Bytes { get; }

    /// <summary>The groups, most bytes first.</summary>
    public IReadOnlyList<LeakSite> Sites { get; }

    /// <summary>The report as text, a few lines for each of the largest groups.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"NativeMm: heap '{HeapName}' was disposed with {Blocks} blocks ({Bytes} bytes) still allocated.");
        foreach (LeakSite site in Sites.Take(SitesShown))
        {
            text.AppendLine();
            text.Append(CultureInfo.InvariantCulture, $"  {site.Blocks} blocks, {site.Bytes} bytes, ");
            if (site.Stack is null)
            {
                text.Append(CultureInfo.InvariantCulture, $"each {site.Bytes / (ulong)site.Blocks} bytes, stack not sampled");
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
            text.Append(CultureInfo.InvariantCulture, $"  and {Sites.Count - SitesShown} more places");
        }

        return text.ToString();
    }
}
