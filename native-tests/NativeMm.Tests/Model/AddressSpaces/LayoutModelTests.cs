using FsCheck;
using FsCheck.Fluent;
using NativeMm.AddressSpaces;
using NativeMm.Tests.Support.AddressSpaces;
using Xunit;
using Xunit.Sdk;

namespace NativeMm.Tests.Model.AddressSpaces;

/// <summary>Histories of changes give the areas and contents of a map that knows each page.</summary>
public sealed class LayoutModelTests
{
    private static readonly AddressSpaceOptions s_plenty = new();
    private static readonly AddressSpaceOptions s_few = new() { AreasMax = 9 };

    [Fact]
    public void Short_histories_equal_the_model_and_shrink_when_they_do_not()
    {
        Arbitrary<int[]> histories = Arb.From(
            Gen.Choose(0, int.MaxValue - 1).ArrayOf(), codes => ArbMap.Default.ArbFor<int[]>().Shrinker(codes));
        Prop.ForAll(histories, codes => Run(codes.Select(code => (uint)code), s_plenty))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(60).WithEndSize(120));
    }

    [Fact]
    public void Long_histories_equal_the_model() => RunLong(s_plenty, 2500);

    [Fact]
    public void What_would_make_too_many_areas_is_refused_and_changes_nothing() => Assert.True(RunLong(s_few, 1500) > 50);

    private static int RunLong(AddressSpaceOptions options, int steps)
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        try
        {
            return Run(Enumerable.Range(0, steps).Select(_ => (uint)random.Next()), options);
        }
        catch (XunitException e)
        {
            throw new XunitException($"Seed {seed}: {e.Message}", e);
        }
    }

    private static int Run(IEnumerable<uint> codes, AddressSpaceOptions options)
    {
        using var fixture = new LayoutFixture(options);
        var model = new LayoutModel(fixture);
        try
        {
            foreach (uint code in codes)
            {
                model.Step(code);
            }

            return model.Refusals;
        }
        catch (Exception e)
        {
            throw new XunitException($"{e.Message}{Environment.NewLine}After:{Environment.NewLine}{model.History}", e);
        }
    }
}
