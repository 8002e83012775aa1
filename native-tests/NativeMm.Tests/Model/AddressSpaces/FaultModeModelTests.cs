using NativeMm.AddressSpaces;
using NativeMm.Tests.Unit.AddressSpaces;
using Xunit;

namespace NativeMm.Tests.Model.AddressSpaces;

/// <summary>
/// Speculative and classic faults, with pages that leave and without, do the same as a map from pages to protections and values, for seeded lists of operations that
/// print themselves.
/// </summary>
public sealed class FaultModeModelTests
{
    private const int Page = FaultFixture.Page;
    private const int Operations = 250;
    private const long Base = 1L << 30;
    private const int Pages = 96;

    [Theory]
    [InlineData(1, FaultMode.Speculative, 0)]
    [InlineData(1, FaultMode.Classic, 0)]
    [InlineData(2, FaultMode.Speculative, 20)]
    [InlineData(2, FaultMode.Classic, 20)]
    [InlineData(3, FaultMode.Speculative, 16)]
    [InlineData(4, FaultMode.Speculative, 0)]
    [InlineData(5, FaultMode.Speculative, 40)]
    public void Every_mode_equals_the_model(int seed, FaultMode mode, int residentMax)
    {
        using var fixture = new FaultFixture(FaultFixture.Mode(mode), residentMax: residentMax);
        var random = new Random(seed);
        var model = new Dictionary<int, (Protection Protection, long Value)>();
        var log = new List<string>();
        for (int i = 0; i < Operations; i++)
        {
            try
            {
                Step(fixture, random, model, log, i + 1);
            }
            catch (Exception problem) when (problem is not OutOfMemoryException)
            {
                throw new InvalidOperationException($"Seed {seed}: {string.Join("; ", log)}", problem);
            }
        }

        foreach (int page in model.Keys)
        {
            AssertRead(fixture.Space, model, page);
        }
    }

    private static void Step(FaultFixture fixture, Random random, Dictionary<int, (Protection Protection, long Value)> model, List<string> log, long stamp)
    {
        int first = random.Next(Pages);
        int end = Math.Min(Pages, first + random.Next(1, 12));
        long address = Base + ((long)first * Page);
        long length = (long)(end - first) * Page;
        switch (random.Next(12))
        {
            case 0:
                log.Add($"unmap {first}–{end}");
                fixture.Space.Unmap(address, length);
                Each(first, end, page => model.Remove(page));
                break;
            case 1 or 2:
                log.Add($"map {first}–{end}");
                fixture.Space.Map(length, Protection.ReadWrite, MapFlags.Fixed, address);
                Each(first, end, page => model[page] = (Protection.ReadWrite, 0));
                break;
            case 3 when Enumerable.Range(first, end - first).All(model.ContainsKey):
                var protection = (Protection)random.Next(3);
                log.Add($"protect {first}–{end} {protection}");
                fixture.Space.Protect(address, length, protection);
                Each(first, end, page => model[page] = (protection, model[page].Value));
                break;
            case 4:
                log.Add("reclaim");
                fixture.Space.Reclaim(random.Next(1, 30));
                break;
            case 5 when model.Count != 0:
                log.Add("fork");
                CheckFork(fixture, random, model, stamp);
                break;
            case < 9:
                log.Add($"write {first}");
                AssertWrite(fixture.Space, model, first, stamp);
                break;
            default:
                log.Add($"read {first}");
                AssertRead(fixture.Space, model, first);
                break;
        }
    }

    /// <summary>A fork has everything, and what one side writes afterwards the other does not see.</summary>
    private static void CheckFork(FaultFixture fixture, Random random, Dictionary<int, (Protection Protection, long Value)> model, long stamp)
    {
        using AddressSpace child = fixture.Space.Fork();
        var copy = new Dictionary<int, (Protection Protection, long Value)>(model);
        for (int i = 0; i < 6; i++)
        {
            AssertWrite(fixture.Space, model, random.Next(Pages), stamp);
            AssertWrite(child, copy, random.Next(Pages), -stamp);
        }

        for (int page = 0; page < Pages; page += 3)
        {
            AssertRead(child, copy, page);
            AssertRead(fixture.Space, model, page);
        }

        child.Validate();
    }

    private static void AssertWrite(AddressSpace space, Dictionary<int, (Protection Protection, long Value)> model, int page, long value)
    {
        bool allowed = model.TryGetValue(page, out (Protection Protection, long Value) known) && known.Protection == Protection.ReadWrite;
        Exception? refusal = Record.Exception(() => space.Write(At(page), value));
        Assert.True(allowed ? refusal is null : refusal is AddressFaultException, $"Page {page}: {refusal}");
        if (allowed)
        {
            model[page] = (known.Protection, value);
        }
    }

    private static void AssertRead(AddressSpace space, Dictionary<int, (Protection Protection, long Value)> model, int page)
    {
        long value = 0;
        bool allowed = model.TryGetValue(page, out (Protection Protection, long Value) known) && known.Protection != Protection.None;
        Exception? refusal = Record.Exception(() => value = space.Read<long>(At(page)));
        Assert.True(allowed ? refusal is null : refusal is AddressFaultException, $"Page {page}: {refusal}");
        Assert.True(!allowed || value == known.Value, $"Page {page} holds {value}, not {known.Value}.");
    }

    private static long At(int page) => Base + ((long)page * Page) + 24;

    private static void Each(int first, int end, Action<int> act)
    {
        for (int page = first; page < end; page++)
        {
            act(page);
        }
    }
}
