using System.Diagnostics.Metrics;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Options;
using NativeMm.Extensions;
using NativeMm.Runtime;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>The cache of NativeMm in a service.</summary>
public static class NativeMmCacheServiceCollectionExtensions
{
    // One and the same delegate, by which the registration is known again.
    internal static Func<IServiceProvider, object> Resolve { get; } = static services => services.GetRequiredService<NativeDistributedCache>();

    /// <summary>
    /// Adds a <see cref="NativeDistributedCache"/> as a singleton, and makes it the <see cref="IDistributedCache"/> of the service: what is registered last counts. It
    /// is an <see cref="IBufferDistributedCache"/>, lies on the service's runtime (<c>AddNativeMm</c>, which this calls) and gives memory to its budget. Calling it
    /// again only adds to the options.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Changes the options; what the configuration says in <c>NativeMm:DistributedCache</c> is in them already.</param>
    /// <returns>To put a second tier behind it.</returns>
    /// <remarks>Options that are wrong stop the start with an <see cref="OptionsValidationException"/> that names key, value and range.</remarks>
    public static NativeDistributedCacheBuilder AddNativeMmDistributedCache(
        this IServiceCollection services, Action<NativeDistributedCacheOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddNativeMm(configure is null ? null : options => configure(options.DistributedCache));
        if (!services.Any(service => service.ServiceType == typeof(NativeDistributedCache)))
        {
            services.AddSingleton(Make);
            services.Add(new ServiceDescriptor(typeof(IDistributedCache), Resolve, ServiceLifetime.Singleton));
            services.AddSingleton<IMemoryPressureHandler>(static provider => new CachePressureHandler(provider.GetRequiredService<NativeDistributedCache>()));
        }

        return new NativeDistributedCacheBuilder(services);
    }

    private static NativeDistributedCache Make(IServiceProvider services) => new(
        services.GetRequiredService<MemoryRuntime>(),
        services.GetRequiredService<IOptions<NativeMmOptions>>().Value.DistributedCache,
        services.GetService<SecondTierSource>()?.Make(services),
        services.GetRequiredService<TimeProvider>(),
        services.GetService<IMeterFactory>());
}
