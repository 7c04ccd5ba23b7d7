namespace ons
{
    /// <summary>The way to the factory's methods.</summary>
    public class ONSFactory
    {
        private static readonly ONSFactoryAPI s_instance = new();

        /// <summary>The one factory of the program.</summary>
        public ONSFactoryAPI getInstance() => s_instance;

        /// <summary>The one factory of the program.</summary>
        public ONSFactoryAPI GetInstance() => s_instance;
    }
}
