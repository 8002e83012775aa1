using FsCheck;
using FsCheck.Fluent;
using NativeMm.Tests.Unit.Frames;
using Xunit;
using Xunit.Sdk;

namespace NativeMm.Tests.Model.Frames;

/// <summary>Histories of operations give the same answers as the naive model: no overlap, no false failure, no false promise of zero.</summary>
public sealed class FrameModelTests
{
    // Five children: an odd last one, and small enough to run full often.
    private const uint Megabytes = 10;

    public static TheoryData<FrameVariant> Variants => FrameVariants.All;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Short_histories_equal_the_model_and_shrink_when_they_do_not(FrameVariant variant)
    {
        Arbitrary<int[]> histories = Arb.From(
            Gen.Choose(0, int.MaxValue - 1).ArrayOf(), codes => ArbMap.Default.ArbFor<int[]>().Shrinker(codes));
        Prop.ForAll(histories, codes => Run(variant, codes.Select(code => (uint)code)))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(40).WithEndSize(200));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Long_histories_equal_the_model(FrameVariant variant)
    {
        int seed = Environment.TickCount;
        for (int run = 0; run < 4; run++, seed++)
        {
            var random = new Random(seed);
            try
            {
                Run(variant, Enumerable.Range(0, 1500).Select(_ => (uint)random.Next()));
            }
            catch (XunitException e)
            {
                throw new XunitException($"Seed {seed}: {e.Message}", e);
            }
        }
    }

    private static void Run(FrameVariant variant, IEnumerable<uint> codes)
    {
        using var fixture = new FrameFixture(variant, Megabytes);
        var model = new FrameModel(fixture);
        try
        {
            foreach (uint code in codes)
            {
                model.Step(code);
            }

            model.Finish();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new XunitException($"{e.Message}{Environment.NewLine}After:{Environment.NewLine}{model.History}", e);
        }
    }
}
