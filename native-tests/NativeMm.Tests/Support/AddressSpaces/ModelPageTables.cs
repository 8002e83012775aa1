using NativeMm.AddressSpaces;
using Xunit;

namespace NativeMm.Tests.Support.AddressSpaces;

/// <summary>Page tables as a dictionary from page to content, which refuse what a test tells them to.</summary>
internal sealed class ModelPageTables : IPageTables
{
    private int _fallibleUntilRefusal;
    private VpnRange _preparedSource;
    private ulong _preparedTarget;

    /// <summary>What each page holds; a page without an entry reads as 0.</summary>
    public SortedDictionary<ulong, int> Content { get; } = [];

    /// <summary>What was called, in order.</summary>
    public List<string> Calls { get; } = [];

    /// <summary>Called before each verb does its work.</summary>
    public Action<string, VpnRange>? Entering { get; set; }

    /// <summary>Calls that may be refused so far.</summary>
    public int FallibleCalls { get; private set; }

    /// <summary>Refuses the n-th call from now on that may be refused.</summary>
    public void Refuse(int n) => _fallibleUntilRefusal = n;

    public int Read(ulong page) => Content.GetValueOrDefault(page);

    public bool TryPrepareBoundary(ulong page, bool mayBeHuge)
    {
        Enter($"boundary {page}{(mayBeHuge ? " huge" : "")}", new VpnRange(page, page));
        return MayGoOn();
    }

    public bool TryPrepareMove(VpnRange source, ulong destination)
    {
        Enter("prepare move", source);
        (_preparedSource, _preparedTarget) = (source, destination);
        return MayGoOn();
    }

    public void Clear(VpnRange pages)
    {
        Enter($"clear {pages.Start}-{pages.End}", pages);
        foreach (ulong page in Content.Keys.Where(pages.Contains).ToArray())
        {
            Content.Remove(page);
        }
    }

    public void Protect(VpnRange pages, Protection protection) => Enter($"protect {pages.Start}-{pages.End} {protection}", pages);

    public void Move(VpnRange source, ulong destination)
    {
        Enter($"move {source.Start}-{source.End} {destination}", source);
        Assert.Equal((_preparedSource, _preparedTarget), (source, destination));
        foreach ((ulong page, int content) in Content.Where(pair => source.Contains(pair.Key)).ToArray())
        {
            Content.Remove(page);
            Assert.True(Content.TryAdd(destination + page - source.Start, content), "Something was at the destination.");
        }
    }

    public void Cool(VpnRange pages) => Enter($"cool {pages.Start}-{pages.End}", pages);

    public bool TryCopyTo(IPageTables child, VpnRange pages)
    {
        Enter($"copy {pages.Start}-{pages.End}", pages);
        if (!MayGoOn())
        {
            return false;
        }

        foreach ((ulong page, int content) in Content.Where(pair => pages.Contains(pair.Key)))
        {
            ((ModelPageTables)child).Content.Add(page, content);
        }

        return true;
    }

    private void Enter(string call, VpnRange pages)
    {
        Entering?.Invoke(call, pages);
        Calls.Add(call);
    }

    private bool MayGoOn()
    {
        FallibleCalls++;
        return _fallibleUntilRefusal == 0 || --_fallibleUntilRefusal != 0;
    }
}
